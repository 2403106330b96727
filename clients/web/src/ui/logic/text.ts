// Splits a message's text into parts. Parts become text nodes and <a> elements,
// never markup, so a message cannot inject HTML.

/**
 * Plain text, or a link with an http or https address. `host` is where the link
 * leads, if its text names another host: "https://аpple.com" with a Cyrillic letter
 * leads to xn--pple-43d.com.
 */
export type Part = { text: string; href?: string; host?: string };

const CANDIDATE = /\bhttps?:\/\/[^\s<>"'`{}|\\^\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+/giu;

/** Splits a text at its links. Punctuation at the end of a link is not part of it. */
export function parts(text: string): Part[] {
  const out: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const shown = trimmed(match[0]);
    const href = address(shown);
    if (href === undefined) continue;
    if (match.index > from) out.push({ text: visible(text.slice(from, match.index)) });
    const { hostname } = new URL(href);
    const link = { text: visible(shown), href };
    out.push(hostname === namedHost(shown) ? link : { ...link, host: hostname });
    from = match.index + shown.length;
  }
  if (from < text.length) out.push({ text: visible(text.slice(from)) });
  return out;
}

/** The host that the text of a link names, as it is written. */
const namedHost = (shown: string): string | undefined => /^https?:\/\/(\[[^\]]*\]|[^/?#:]*)/i.exec(shown)?.[1]?.toLowerCase();

const SHORT: Record<string, string> = { "\u0007": "a", "\b": "b", "\v": "v", "\f": "f", "\r": "r" };

/**
 * Spells out characters that act instead of being shown: controls, direction
 * controls, and invisible ones. The terminal client does the same, with the same
 * vectors (clients/sotto/harmless).
 */
export function visible(text: string): string {
  return text.replace(/[^\P{Cc}\t\n]|[\p{Bidi_C}\u2028\u2029\u180e\u200b\u2060-\u2064\ufeff]/gu, (c) => {
    const code = c.codePointAt(0)!;
    return `\\${SHORT[c] ?? (code < 0x80 ? `x${code.toString(16).padStart(2, "0")}` : `u${code.toString(16).padStart(4, "0")}`)}`;
  });
}

function trimmed(candidate: string): string {
  let end = candidate.length;
  for (; end > 0; end--) {
    const last = candidate[end - 1] as string;
    if (".,;:!?…*_~".includes(last)) continue;
    // A closing bracket belongs to the link only if the link has its opening one.
    const open = { ")": "(", "]": "[" }[last];
    if (open === undefined) break;
    const inside = candidate.slice(0, end);
    if (inside.split(open).length >= inside.split(last).length) break;
  }
  return candidate.slice(0, end);
}

/**
 * Returns the address of a link, or undefined if it is not valid. It refuses an
 * address with a user part: "https://bank.example@evil.example" looks like another
 * host.
 */
function address(shown: string): string | undefined {
  let url: URL;
  try {
    url = new URL(shown);
  } catch {
    return undefined;
  }
  if ((url.protocol !== "https:" && url.protocol !== "http:") || url.username !== "" || url.password !== "") return undefined;
  return url.href;
}

const EMOJI_ONLY = /^(?:\p{Extended_Pictographic}(?:\ufe0f|\u200d|\p{Emoji_Modifier}|\p{Extended_Pictographic})*\s*){1,4}$/u;

/** Reports whether a text consists of a few emoji, which are shown large. */
export function isEmoji(text: string): boolean {
  return text.length <= 48 && EMOJI_ONLY.test(text.trim());
}

const encoder = new TextEncoder();

/** The length of a text in UTF-8 bytes. */
export function bytes(text: string): number {
  return encoder.encode(text).length;
}

/** The form of user and room names in the protocol. */
export const NAME = /^[a-z0-9][a-z0-9_-]{1,31}$/;

/** The name that a user means: without spaces around it, and in lower case. */
export const nameFrom = (typed: string): string => typed.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/** Says what is wrong with a name, or returns an empty string. */
export function nameProblem(name: string): string {
  if (NAME.test(name)) return "";
  if (name.length < 2) return "Use at least two characters.";
  if (name.length > 32) return "Use at most 32 characters.";
  return "Use lower-case letters a–z, digits, - and _, starting with a letter or digit.";
}
