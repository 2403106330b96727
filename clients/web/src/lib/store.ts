/**
 * The browser's storage: one IndexedDB store of values under path-like keys.
 *
 * It may vanish at any moment: iOS ends the connections of background tabs, the
 * disk fills up, the user deletes the site's data, `open` never answers. So it is
 * opened again, and while it fails the values are in memory (browserstore.ts).
 *
 * Private keys are stored as CryptoKeys that cannot be exported: a malicious script
 * on this page could use them, but not copy them. Unsent texts are stored
 * unencrypted, like drafts.
 */

export type Key = readonly string[];

/** Computes a value from the old one; undefined deletes it. It may be called again. */
export type Change<T> = (old: T | undefined) => T | undefined;

export interface Store {
  /** Whether everything written so far is kept when the page is closed. It may change. */
  readonly persistent: boolean;
  get<T>(key: Key): Promise<T | undefined>;
  /**
   * Replaces a value by the result of `change`, in one transaction, and returns it.
   * If the storage fails, this happens in memory, and in the storage once it works
   * again; with `durable` it fails with the error storage.
   */
  update<T>(key: Key, change: Change<T>, durable?: boolean): Promise<T | undefined>;
  /**
   * Replaces a value, or deletes it if it is undefined, whatever it was. It needs no
   * answer of the storage on the way, so it outlives a page that is closed at once.
   */
  set<T>(key: Key, value: T | undefined): Promise<void>;
  /** All values whose keys begin with `prefix`, by key. */
  list<T>(prefix: Key): Promise<T[]>;
  /** Deletes all values whose keys begin with `prefix`. Error: storage. */
  clear(prefix: Key): Promise<void>;
  /** Calls the listener when `persistent` may have changed. Returns how to stop that. */
  watch(listener: () => void): () => void;
}

/** A store in memory, which lasts as long as the page. */
export class MemoryStore implements Store {
  readonly persistent: boolean = false;
  private readonly values = new Map<string, unknown>();

  async get<T>(key: Key): Promise<T | undefined> {
    return this.values.get(nameOf(key)) as T | undefined;
  }

  async update<T>(key: Key, change: Change<T>): Promise<T | undefined> {
    return this.put(key, change(this.values.get(nameOf(key)) as T | undefined));
  }

  async set<T>(key: Key, value: T | undefined): Promise<void> {
    this.put(key, value);
  }

  async list<T>(prefix: Key): Promise<T[]> {
    return this.names(prefix).map((name) => this.values.get(name) as T);
  }

  async clear(prefix: Key): Promise<void> {
    for (const name of this.names(prefix)) this.values.delete(name);
  }

  watch(): () => void {
    return () => undefined;
  }

  /** Stores a value, or deletes it if it is undefined, and returns it. */
  put<T>(key: Key, value: T | undefined): T | undefined {
    if (value === undefined) this.values.delete(nameOf(key));
    else this.values.set(nameOf(key), value);
    return value;
  }

  /** The names of the keys that begin with `prefix`. */
  names(prefix: Key): string[] {
    return [...this.values.keys()].filter((name) => isBelow(name, prefix)).sort();
  }
}

/** A key as one string. */
export const nameOf = (key: Key): string => key.join("\n");

/** Reports whether the key of a name begins with `prefix`. */
export const isBelow = (name: string, prefix: Key): boolean => name.startsWith(`${nameOf(prefix)}\n`);
