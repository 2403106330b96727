// What a message's text is made of. Parts become text nodes and <a> elements,
// never markup, so a message cannot say anything but text.

/** A stretch of a message: plain text, or a link whose address is http or https. */
export type Part = { text: string; href?: string };

const CANDIDATE = /\bhttps?:\/\/[^\s<>"'`{}|\\^\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+/giu;

/** Splits a text at its links. Punctuation that ends a sentence is left outside. */
export function parts(text: string): Part[] {
  const out: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const shown = trimmed(match[0]);
    const href = address(shown);
    if (href === undefined) continue;
    if (match.index > from) out.push({ text: text.slice(from, match.index) });
    out.push({ text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) out.push({ text: text.slice(from) });
  return out;
}

function trimmed(candidate: string): string {
  let end = candidate.length;
  for (; end > 0; end--) {
    const last = candidate[end - 1] as string;
    if (".,;:!?…*_~".includes(last)) continue;
    // A closing bracket belongs to the link only if it was opened there.
    const open = { ")": "(", "]": "[" }[last];
    if (open === undefined) break;
    const inside = candidate.slice(0, end);
    if (inside.split(open).length >= inside.split(last).length) break;
  }
  return candidate.slice(0, end);
}

/**
 * The address behind a shown link, or undefined where it is none. One with a
 * user part is refused: "https://bank.example@evil.example" reads as another.
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

/** Whether a text is a few emoji and nothing else, which are shown large. */
export function isEmoji(text: string): boolean {
  return text.length <= 48 && EMOJI_ONLY.test(text.trim());
}

const encoder = new TextEncoder();

/** The length of a text in UTF-8 bytes, which is what the protocol bounds. */
export function bytes(text: string): number {
  return encoder.encode(text).length;
}

/** A name or a room as the protocol wants it. */
export const NAME = /^[a-z0-9][a-z0-9_-]{1,31}$/;

/** What is wrong with a name that a person typed, or an empty string. */
export function nameProblem(name: string): string {
  if (NAME.test(name)) return "";
  if (name.length < 2) return "At least two characters, please.";
  if (name.length > 32) return "At most 32 characters, please.";
  if (/[A-Z]/.test(name)) return "Small letters only, please.";
  return "Small letters a–z, digits, - and _ only, beginning with a letter or digit.";
}
