/** The vectors by which all clients accept and refuse the same bytes. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decode64, text, utf8 } from "./bytes";
import { parse } from "./json";
import { readMessageClaims } from "./names";

interface Vector {
  name: string;
  text?: string;
  bytes?: string;
  accepted: boolean;
  value?: unknown;
}

const shared = new URL("../../../../shared/", import.meta.url);
const read = (path: string): Vector[] => JSON.parse(readFileSync(new URL(path, shared), "utf8")).vectors;

/** The values as `JSON.parse` makes them, with prototypes. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

// Vulnerability: two readers of JSON disagree about a text. Attack: the sender signs
// a text that some clients show and others refuse or read differently. These verify
// that this client accepts and refuses the vectors that Go reads too.
describe("attack: a text that readers disagree about", () => {
  test.each(read("strict/testdata/json.json"))("$name", (v) => {
    const parsed = () => parse(text(v.bytes === undefined ? utf8(v.text!) : decode64(v.bytes)));
    if (v.accepted) expect(plain(parsed())).toEqual(v.value);
    else expect(parsed).toThrow();
  });

  test.each(read("frame/testdata/messageclaims.json"))("claims of a message: $name", (v) => {
    const parsed = () => readMessageClaims(v.text!);
    if (v.accepted) expect(parsed().body).toBe(JSON.parse(v.text!).body);
    else expect(parsed).toThrow();
  });
});
