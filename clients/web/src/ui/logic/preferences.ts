// Small settings in the browser's storage. They are optional: where the browser
// refuses them or has no space, they last as long as the page.

type Kind = "localStorage" | "sessionStorage";

const inMemory = new Map<string, string>();

/** Reads a setting: null if there is none, or if the browser does not say. */
export function recall(key: string, kind: Kind = "localStorage"): string | null {
  return inMemory.get(kind + key) ?? guarded(kind, (storage) => storage.getItem(key)) ?? null;
}

/** Stores a setting; null deletes it. */
export function remember(key: string, value: string | null, kind: Kind = "localStorage"): void {
  const stored = guarded(kind, (storage) => {
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, value);
    return true;
  });
  if (stored || value === null) inMemory.delete(kind + key);
  else inMemory.set(kind + key, value);
}

/** Even the name of the storage throws where the user blocks the site's data. */
function guarded<T>(kind: Kind, use: (storage: Storage) => T): T | undefined {
  try {
    return use(globalThis[kind]);
  } catch {
    return undefined;
  }
}
