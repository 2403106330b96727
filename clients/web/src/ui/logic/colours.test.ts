import { beforeEach, describe, expect, test } from "vitest";
import { recall } from "./preferences";
import { COLOURS, Colours, distance, lab } from "./colours";

beforeEach(() => new Colours().forget());

const pairs = COLOURS.flatMap((_, a) => COLOURS.slice(0, a).map((_, b) => [a, b] as const));
const users = (count: number) => Array.from({ length: count }, (_, i) => `user-${i}`);

describe("the colours", () => {
  test("are readable under white text", () => {
    for (const colour of COLOURS) {
      const [r, g, b] = [5, 7, 9].map((at) => {
        const part = parseInt(colour.slice(at, at + 2), 16) / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      }) as [number, number, number];
      expect(1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05), colour).toBeGreaterThanOrEqual(4.5);
    }
  });

  test("differ, each from each", () => {
    for (const [a, b] of pairs) expect(distance(a, b), `${COLOURS[a]} and ${COLOURS[b]}`).toBeGreaterThanOrEqual(0.12);
  });

  test("are measured in OKLab", () => {
    const white = lab("bg-[#ffffff]");
    expect(white.map((part) => Math.round(part * 1000) / 1000 + 0)).toEqual([1, 0, 0]);
  });
});

describe("a user", () => {
  test("has another colour than all others in the room, as long as there are colours", () => {
    const colours = new Colours();
    colours.meet(users(COLOURS.length));
    expect(new Set(users(COLOURS.length).map((user) => colours.of(user))).size).toBe(COLOURS.length);
    colours.meet(users(2 * COLOURS.length));
    const all = users(2 * COLOURS.length).map((user) => colours.of(user));
    for (const colour of COLOURS) expect(all.filter((each) => each === colour)).toHaveLength(2);
  });

  test("of two in a room has a colour far from the other's", () => {
    const colours = new Colours();
    colours.meet(["ada", "bob"]);
    const [a, b] = ["ada", "bob"].map((user) => COLOURS.findIndex((colour) => colour === colours.of(user))) as [number, number];
    const farthest = Math.max(...COLOURS.map((_, other) => (other === a ? 0 : distance(a, other))));
    expect(distance(a, b)).toBe(farthest);
  });

  test("keeps the colour, in other rooms and on another page", () => {
    const colours = new Colours();
    colours.meet(["ada", "bob"]);
    const before = ["ada", "bob"].map((user) => colours.of(user));
    colours.meet(["eve", "bob", "ada", "dan"]);
    expect(["ada", "bob"].map((user) => colours.of(user))).toEqual(before);
    const later = new Colours();
    later.meet(["zoe", "ada", "bob"]);
    expect(["ada", "bob"].map((user) => later.of(user))).toEqual(before);
  });

  test("is forgotten, and the stored list is bounded", () => {
    const colours = new Colours();
    colours.meet(users(600));
    const stored = () => JSON.parse(recall("sotto.colours") ?? "[]") as [string, number][];
    expect(stored().map(([user]) => user)).toEqual(users(600).slice(100));
    colours.forget();
    expect(stored()).toEqual([]);
  });

  test("has the colour that another tab gave meanwhile", () => {
    const [one, other] = [new Colours(), new Colours()];
    one.meet(["ada", "bob", "cem"]);
    other.meet(["dan", "cem"]);
    expect(other.of("cem")).toBe(one.of("cem"));
    expect(new Colours().of("ada")).toBe(one.of("ada"));
  });
});
