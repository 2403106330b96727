/**
 * The MACs of a session's frames (protocol §4): each direction has a key of the
 * session, and each frame ends with a `mac` over all bytes before it.
 */
import { type Bytes, concat, encode64, utf8 } from "./bytes";
import { parseObject } from "./json";

/** The keys of a session, one for each direction. */
export interface MACKeys {
  toService: CryptoKey;
  toClient: CryptoKey;
}

const prefix = ',"mac":"';
const suffix = '"}';
const size = 22;

/** Bytes that `authenticate` adds to a frame. */
export const macSize = prefix.length + size + suffix.length - 1;

/**
 * Derives the keys by HKDF-SHA-256. The hash of the proof binds them to all that it
 * says. The labels separate the directions, so a frame sent back to its maker does
 * not verify.
 */
export async function deriveMACKeys(secret: Bytes, nonce: Bytes, proof: string): Promise<MACKeys> {
  const [base, digest] = await Promise.all([
    crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]),
    crypto.subtle.digest("SHA-256", utf8(proof)),
  ]);
  const derive = (label: string): Promise<CryptoKey> => {
    const info = concat(utf8(`${label}\0`), new Uint8Array(digest));
    const how = { name: "HKDF", hash: "SHA-256", salt: nonce, info };
    return crypto.subtle.deriveKey(how, base, { name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign"]);
  };
  const [toService, toClient] = await Promise.all([derive("sotto-v2 to-service"), derive("sotto-v2 to-client")]);
  return { toService, toClient };
}

/** Adds the `mac` at the end of a frame, a JSON object with at least one member. */
export async function authenticate(key: CryptoKey, frame: string): Promise<string> {
  const covered = frame.slice(0, -1);
  return covered + prefix + (await mac(key, covered)) + suffix;
}

/** Reports whether a frame ends with its valid `mac` and is one JSON object that has it. */
export async function isAuthentic(key: CryptoKey, frame: string): Promise<boolean> {
  const at = frame.length - prefix.length - size - suffix.length;
  const seen = frame.slice(at + prefix.length, -suffix.length);
  if (at < 1 || !frame.isWellFormed() || frame !== frame.slice(0, at) + prefix + seen + suffix) return false;
  if ((await mac(key, frame.slice(0, at))) !== seen) return false;
  try {
    return parseObject(frame).mac === seen;
  } catch {
    return false;
  }
}

async function mac(key: CryptoKey, covered: string): Promise<string> {
  const whole = new Uint8Array(await crypto.subtle.sign("HMAC", key, utf8(covered)));
  return encode64(whole.subarray(0, 16));
}
