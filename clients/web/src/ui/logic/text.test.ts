import { expect, test } from "vitest";
import { nameFrom, nameProblem } from "./text";

test.each([
  ["ada", "ada"],
  ["Ada", "ada"],
  ["  ADA-2 ", "ada-2"],
  ["İrem", "İrem"], // no ASCII letter has a form of two characters
])("the name %j is %j", (typed, want) => {
  expect(nameFrom(typed)).toBe(want);
});

test("a name of capital letters is not refused, one of others is", () => {
  expect(nameProblem(nameFrom("ADA"))).toBe("");
  expect(nameProblem(nameFrom("İrem"))).toMatch(/^Use lower-case letters a–z/);
});
