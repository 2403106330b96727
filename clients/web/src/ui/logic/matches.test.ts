import { expect, test } from "vitest";
import { matches } from "./matches";

const rooms = ["brand", "lobby", "old-random", "ran", "random", "veranda"].map((name) => ({ name }));

test.each([
  ["ran", ["ran", "random", "old-random", "brand", "veranda"]],
  ["rand", ["random", "old-random", "brand", "veranda"]],
  ["lob", ["lobby"]],
  ["kitchen", []],
  ["", rooms.map(({ name }) => name)],
])("%j", (typed, want) => {
  expect(matches(rooms, typed).map(({ name }) => name)).toEqual(want);
});
