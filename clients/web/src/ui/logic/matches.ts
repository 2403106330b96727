// Which rooms fit what was typed in the switcher.

/**
 * Returns the rooms whose name has the typed text, the best first: the same
 * name, then names that begin with it, then names with a word that begins with
 * it, then all others. Otherwise the order is kept. An empty text fits all.
 */
export function matches<T extends { readonly title: string }>(rooms: readonly T[], typed: string): T[] {
  const rank = ({ title: name }: T): number => {
    if (name === typed) return 0;
    if (name.startsWith(typed)) return 1;
    if (name.split(/[-_]/).some((word) => word.startsWith(typed))) return 2;
    return 3;
  };
  return rooms.filter(({ title }) => title.includes(typed)).sort((a, b) => rank(a) - rank(b));
}
