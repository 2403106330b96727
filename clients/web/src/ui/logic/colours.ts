// The colour behind the first letter of a user. A user keeps it, and the users of
// one room have colours that differ as far as possible.

import { recall, remember } from "./preferences";

/**
 * White text has a contrast of at least 4.5:1 on each, and any two differ by at
 * least 0.12 in OKLab.
 */
export const COLOURS = [
  "bg-[#29706c]",
  "bg-[#ac3225]",
  "bg-[#5b199c]",
  "bg-[#72130b]",
  "bg-[#5c55d5]",
  "bg-[#a041b5]",
  "bg-[#0b3880]",
  "bg-[#906a21]",
  "bg-[#1e4729]",
  "bg-[#82326c]",
  "bg-[#2d8014]",
  "bg-[#786895]",
] as const;

const KEY = "sotto.colours";
/** Users whose colour is stored; the first ones met are dropped. */
const MOST = 500;

type Lab = [number, number, number];

/** The colour of a class in OKLab, where distances are as they are seen (https://bottosson.github.io/posts/oklab/). */
export function lab(colour: string): Lab {
  const [r, g, b] = [5, 7, 9].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Lab;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

const LABS = COLOURS.map(lab);
export const distance = (a: number, b: number): number => Math.hypot(...LABS[a]!.map((part, i) => part - LABS[b]![i]!));

export class Colours {
  /** The index of each user's colour, in the order in which they were met. */
  private readonly known = new Map<string, number>();

  constructor() {
    this.read();
  }

  /** Adds the stored users. Another tab may have met some meanwhile. */
  private read(): void {
    try {
      const stored: unknown = JSON.parse(recall(KEY) ?? "[]");
      if (!Array.isArray(stored)) return;
      for (const [user, index] of stored as [unknown, unknown][]) {
        const valid = typeof user === "string" && typeof index === "number" && index in COLOURS;
        if (valid && !this.known.has(user)) this.known.set(user, index);
      }
    } catch {
      // Something else is stored there.
    }
  }

  /** The class of a user's colour. */
  of(user: string): string {
    this.meet([user]);
    return COLOURS[this.known.get(user)!]!;
  }

  /** Gives colours to those users of one room who have none. */
  meet(users: Iterable<string>): void {
    const all = [...new Set(users)];
    const unknown = () => all.filter((user) => !this.known.has(user));
    if (unknown().length === 0) return;
    this.read();
    const fresh = unknown();
    const here = all.flatMap((user) => this.known.get(user) ?? []);
    for (const user of fresh) {
      const index = this.choose(user, here);
      this.known.set(user, index);
      here.push(index);
    }
    for (const first of this.known.keys()) {
      if (this.known.size <= MOST) break;
      this.known.delete(first);
    }
    remember(KEY, JSON.stringify([...this.known]));
  }

  /** Deletes all colours here, and with them the names of users. */
  forget(): void {
    this.known.clear();
    remember(KEY, null);
  }

  /**
   * The colour that is rarest in the room, then rarest at all, then the farthest
   * from those of the room, then the one that follows from the name.
   */
  private choose(user: string, here: readonly number[]): number {
    const uses = (indices: Iterable<number>, index: number) => [...indices].filter((used) => used === index).length;
    let hash = 0;
    for (const letter of user) hash = (hash * 31 + letter.codePointAt(0)!) >>> 0;
    const ranked = COLOURS.map((_, i) => (hash + i) % COLOURS.length).map((index) => ({
      index,
      rank: [uses(here, index), uses(this.known.values(), index), -Math.min(9, ...here.map((used) => distance(used, index)))],
    }));
    ranked.sort((a, b) => a.rank.map((part, i) => part - b.rank[i]!).find((difference) => difference !== 0) ?? 0);
    return ranked[0]!.index;
  }
}

export const colours = new Colours();
