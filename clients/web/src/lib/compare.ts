/** Safety numbers and link requests (protocol §12). */
import type { SafetyNumber } from "./api";
import { encode64, isThumbprint, utf8 } from "./bytes";
import { isUserName } from "./names";

/** A user and the thumbprints of the user's known devices. */
export interface Party {
  user: string;
  devices: readonly string[];
}

/**
 * Computes the safety number of two users, in any order. Key stretching makes it
 * take some tens of milliseconds, because an attacker in the middle can choose the
 * keys that both sides see.
 */
export async function safetyNumber(one: Party, other: Party): Promise<SafetyNumber> {
  const [a, b] = one.user < other.user ? [one, other] : [other, one];
  if (a.user === b.user) throw new Error("a safety number takes two users");
  const password = utf8([a, b].map(lines).join(""));
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: utf8("sotto-safety-number-v1"), iterations: 131_072 };
  const hash = new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
  const groups = Array.from({ length: 6 }, (_, i) => {
    // Five bytes are 40 bits, which a number keeps exact.
    const n = hash.subarray(5 * i, 5 * i + 5).reduce((sum, byte) => sum * 256 + byte, 0);
    return String(n % 100_000).padStart(5, "0");
  });
  return { groups, qr: `sotto:safety?a=${a.user}&b=${b.user}&hash=${encode64(hash)}` };
}

/** What the text of a QR code says about the safety number of two users. */
export type Comparison = "same" | "different" | "others" | "none";

/**
 * Compares the text of another client's QR code with the own one, which has `mine`
 * as its text. "others": it is about other users. "none": it is no safety number.
 */
export function compareSafety(text: string, mine: string): Comparison {
  const theirs = parseSafety(text.trim());
  const own = parseSafety(mine);
  if (!theirs || !own) return "none";
  if (theirs.a !== own.a || theirs.b !== own.b) return "others";
  return theirs.hash === own.hash ? "same" : "different";
}

function parseSafety(text: string): { a: string; b: string; hash: string } | null {
  const found = /^sotto:safety\?a=([^&]+)&b=([^&]+)&hash=([A-Za-z0-9_-]{43})$/.exec(text);
  if (!found) return null;
  const [a, b, hash] = found.slice(1) as [string, string, string];
  return isUserName(a) && isUserName(b) && a < b ? { a, b, hash } : null;
}

/** Encodes a party unambiguously: no name is as long as a thumbprint. */
function lines({ user, devices }: Party): string {
  const sorted = [...new Set(devices)].sort();
  if (!user || user.length >= 43 || user.includes("\n") || sorted.length === 0 || !sorted.every(isThumbprint)) {
    throw new Error("no safety number");
  }
  return [user, ...sorted, "", ""].join("\n");
}

/** The content of a link request. */
export interface LinkText {
  user: string;
  dev: string;
  aud: string;
}

export const linkText = (l: LinkText): string => `sotto:link?user=${l.user}&dev=${l.dev}&aud=${l.aud}`;

/** Parses the output of `linkText`; null for all other texts. */
export function parseLinkText(text: string): LinkText | null {
  const found = /^sotto:link\?user=([^&]+)&dev=([^&]+)&aud=([A-Za-z0-9.:[\]/_-]+)$/.exec(text);
  if (!found) return null;
  const [user, dev, aud] = found.slice(1) as [string, string, string];
  return isUserName(user) && isThumbprint(dev) ? { user, dev, aud } : null;
}

/**
 * Reads a device's id from a pasted or scanned text: a link request for this user
 * (and this audience, if given), or a bare thumbprint.
 */
export function readLinkRequest(text: string, user: string, audience?: string): string | null {
  const plain = text.trim();
  if (isThumbprint(plain)) return plain;
  const link = parseLinkText(plain);
  return link && link.user === user && (audience === undefined || link.aud === audience) ? link.dev : null;
}
