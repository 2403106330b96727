import { expect, test } from "vitest";
import { matches } from "./matches";

const rooms = ["brand", "lobby", "old-random", "ran", "random", "veranda"].map((title) => ({ title }));

test.each([
  ["ran", ["ran", "random", "old-random", "brand", "veranda"]],
  ["rand", ["random", "old-random", "brand", "veranda"]],
  ["lob", ["lobby"]],
  ["kitchen", []],
  ["", rooms.map(({ title }) => title)],
])("%j", (typed, want) => {
  expect(matches(rooms, typed).map(({ title }) => title)).toEqual(want);
});
