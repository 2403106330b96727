/**
 * The browser's storage: one IndexedDB store of values under path-like keys. Without
 * IndexedDB (some private windows) the values last as long as the page.
 *
 * Private keys are stored as CryptoKeys that cannot be exported: a malicious script
 * on this page could use them, but not copy them. Unsent texts are stored
 * unencrypted, like drafts.
 */

export type Key = readonly string[];

export interface Store {
  /** Whether values are kept when the page is closed. */
  readonly persistent: boolean;
  get<T>(key: Key): Promise<T | undefined>;
  /**
   * Replaces a value by the result of `change`, in one transaction, and returns
   * it; undefined deletes the value.
   */
  update<T>(key: Key, change: (old: T | undefined) => T | undefined): Promise<T | undefined>;
  /** All values whose keys begin with `prefix`, by key. */
  list<T>(prefix: Key): Promise<T[]>;
  /** Deletes all values whose keys begin with `prefix`. */
  clear(prefix: Key): Promise<void>;
}

const database = "sotto";
const values = "values";

/** Opens the browser's store, or one in memory. */
export async function openStore(): Promise<Store> {
  try {
    const request = indexedDB.open(database, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(values);
    const db = await done(request);
    // Another tab may delete the database or upgrade it.
    db.onversionchange = () => db.close();
    return new Persistent(db);
  } catch {
    return new MemoryStore();
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * An array sorts behind every string, so this covers exactly the keys that
 * begin with the prefix.
 */
const below = (prefix: Key): IDBKeyRange => IDBKeyRange.bound([...prefix], [...prefix, []]);

class Persistent implements Store {
  readonly persistent = true;

  constructor(private readonly db: IDBDatabase) {}

  private open(mode: IDBTransactionMode): IDBObjectStore {
    return this.db.transaction(values, mode).objectStore(values);
  }

  get<T>(key: Key): Promise<T | undefined> {
    return done(this.open("readonly").get([...key]));
  }

  update<T>(key: Key, change: (old: T | undefined) => T | undefined): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const store = this.open("readwrite");
      let result: T | undefined;
      store.transaction.oncomplete = () => resolve(result);
      store.transaction.onabort = () => reject(store.transaction.error);
      const read = store.get([...key]);
      read.onsuccess = () => {
        try {
          result = change(read.result as T | undefined);
          if (result === undefined) store.delete([...key]);
          else store.put(result, [...key]); // throws if a key cannot be stored
        } catch (error) {
          reject(error);
          store.transaction.abort();
        }
      };
    });
  }

  list<T>(prefix: Key): Promise<T[]> {
    return done(this.open("readonly").getAll(below(prefix)));
  }

  async clear(prefix: Key): Promise<void> {
    await done(this.open("readwrite").delete(below(prefix)));
  }
}

/** A store in memory, which lasts as long as the page. */
export class MemoryStore implements Store {
  readonly persistent = false;
  private readonly values = new Map<string, unknown>();

  async get<T>(key: Key): Promise<T | undefined> {
    return this.values.get(key.join("\n")) as T | undefined;
  }

  async update<T>(key: Key, change: (old: T | undefined) => T | undefined): Promise<T | undefined> {
    const name = key.join("\n");
    const result = change(this.values.get(name) as T | undefined);
    if (result === undefined) this.values.delete(name);
    else this.values.set(name, result);
    return result;
  }

  async list<T>(prefix: Key): Promise<T[]> {
    return this.below(prefix).map((name) => this.values.get(name) as T);
  }

  async clear(prefix: Key): Promise<void> {
    for (const name of this.below(prefix)) this.values.delete(name);
  }

  private below(prefix: Key): string[] {
    const start = `${prefix.join("\n")}\n`;
    return [...this.values.keys()].filter((name) => name.startsWith(start)).sort();
  }
}
