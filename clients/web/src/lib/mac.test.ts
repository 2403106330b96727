/** The vectors of shared/envelope/testdata/frames.json. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decode64, text } from "./bytes";
import { authenticate, deriveMACKeys, isAuthentic, type MACKeys, macSize } from "./mac";

interface Session {
  comment: string;
  secret: string;
  nonce: string;
  proof: string;
  toService: string;
  toClient: string;
}

interface Frame {
  comment: string;
  key: keyof MACKeys;
  text: string;
  frame: string;
}

const file = new URL("../../../../shared/envelope/testdata/frames.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as { sessions: Session[]; accepted: Frame[]; refused: Frame[] };

const derive = (s: Session): Promise<MACKeys> => deriveMACKeys(decode64(s.secret), decode64(s.nonce), s.proof);

const given = (key: string): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", decode64(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

/** The frame as a browser has it: a WebSocket refuses a text that is not UTF-8. */
function frameOf(f: Frame): string | null {
  try {
    return text(decode64(f.frame));
  } catch {
    return null;
  }
}

for (const s of vectors.sessions) {
  test(`keys: ${s.comment}`, async () => {
    const keys = await derive(s);
    for (const direction of ["toService", "toClient"] as const) {
      const frame = '{"a":1}';
      expect(await authenticate(keys[direction], frame)).toBe(await authenticate(await given(s[direction]), frame));
    }
  });
}

for (const f of vectors.accepted) {
  test(`accepted: ${f.comment}`, async () => {
    const key = (await derive(vectors.sessions[0]!))[f.key];
    const frame = frameOf(f)!;
    expect(await authenticate(key, f.text)).toBe(frame);
    expect(frame.length - f.text.length).toBe(macSize);
    expect(await isAuthentic(key, frame)).toBe(true);
    for (let at = 0; at < frame.length; at++) {
      const other = frame.slice(0, at) + String.fromCharCode(frame.charCodeAt(at) ^ 1) + frame.slice(at + 1);
      expect(await isAuthentic(key, other), `character ${at} changed`).toBe(false);
    }
  });
}

for (const f of vectors.refused) {
  test(`refused: ${f.comment}`, async () => {
    const key = (await derive(vectors.sessions[0]!))[f.key];
    const frame = frameOf(f);
    expect(frame === null ? false : await isAuthentic(key, frame)).toBe(false);
  });
}
