/** Bytes, texts and base64url. Each value has exactly one accepted spelling. */

/** Bytes that WebCrypto accepts: not in shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
// A byte order mark would be a second spelling of the same text.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const utf8 = (text: string): Bytes => encoder.encode(text);

/** Decodes UTF-8. Throws if it is not valid. */
export const text = (bytes: Uint8Array): string => decoder.decode(bytes);

export function concat(...parts: Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function random(n: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(n));
}

/** Unpadded base64url. */
export function encode64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/**
 * Decodes canonical unpadded base64url. `atob` skips white space, accepts padding
 * and ignores unused bits of the last character. Encoding again detects all of
 * that; otherwise a token would have up to sixteen spellings.
 */
export function decode64(s: string): Bytes {
  if (!/^[A-Za-z0-9_-]*$/.test(s)) throw new Error("not canonical base64url");
  const binary = atob(s.replace(/-/g, "+").replace(/_/g, "/"));
  const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
  if (encode64(bytes) !== s) throw new Error("not canonical base64url");
  return bytes;
}

/** The length of n bytes in unpadded base64url. */
export const length64 = (n: number): number => Math.ceil((n * 4) / 3);

/** Whether s has the form of a SHA-256 thumbprint (RFC 7638). */
export function isThumbprint(s: unknown): s is string {
  if (typeof s !== "string" || s.length !== 43) return false;
  try {
    return decode64(s).length === 32;
  } catch {
    return false;
  }
}

export async function sha256(s: string): Promise<string> {
  return encode64(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(s))));
}
