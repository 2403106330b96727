import { expect, test } from "vitest";
import { isConversion } from "./keys";

test.each([
  ["Enter that sends", { isComposing: false, keyCode: 13 }, false],
  ["Enter that confirms, in Chromium and Firefox", { isComposing: true, keyCode: 229 }, true],
  ["Enter that confirms, in Safari", { isComposing: false, keyCode: 229 }, true],
  ["Enter that confirms, from an input method that keeps the key code", { isComposing: true, keyCode: 13 }, true],
  ["Ctrl+K", { isComposing: false, keyCode: 75 }, false],
])("%s", (_, event, want) => {
  expect(isConversion(event)).toBe(want);
});
