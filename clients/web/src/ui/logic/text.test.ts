import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nameFrom, nameProblem, parts, visible } from "./text";

const vectors: { name: string; text: string; shown: string }[] = JSON.parse(
  readFileSync(new URL("../../../../sotto/harmless/testdata/shown.json", import.meta.url), "utf8"),
).vectors;

// Vulnerability: a direction override or an invisible character changes how a text
// reads. Attack: mallory sends "invoice\u202efdp.exe". This verifies that such
// characters are shown as what they are, as in the terminal client.
test.each(vectors)("attack: characters that act on the screen: $name", ({ text, shown }) => {
  expect(visible(text)).toBe(shown);
  expect(parts(text)).toEqual([{ text: shown }]);
});

// Vulnerability: the text of a link looks like another host. Attack: mallory sends
// https://\u0430pple.com, whose first letter is Cyrillic. This verifies that the host
// that the link leads to is shown beside it, unless the text names it.
test.each([
  ["https://apple.com/a?b#c", undefined],
  ["HTTPS://Apple.com", undefined],
  ["http://127.0.0.1:8080/x", undefined],
  ["http://[::1]:8080/", undefined],
  ["https://\u0430pple.com/", "xn--pple-43d.com"],
  ["https://m\u00fcnchen.de/", "xn--mnchen-3ya.de"],
  ["https://\uff47oogle.com/", "google.com"],
  ["http://2130706433/", "127.0.0.1"],
  ["http://0x7f.1/", "127.0.0.1"],
  ["https://%61pple.com/", "apple.com"],
  ["https://bank.example\u3002evil.example/", "bank.example.evil.example"],
])("attack: a link that looks like another: %j", (text, host) => {
  const [link, ...rest] = parts(text);
  expect(rest).toEqual([]);
  expect(link?.href).toBeDefined();
  expect(link?.host).toBe(host);
});

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
