/** The store in IndexedDB, which goes on in memory while IndexedDB fails. */
import { SottoError } from "./errors";
import { type Change, isBelow, type Key, MemoryStore, nameOf, type Store } from "./store";

/** Durations in ms. */
export interface Patience {
  /** Until a step of IndexedDB counts as one that never ends. */
  step: number;
  /** Between the attempts to store what is in memory. */
  retry: number;
}

const defaultPatience: Patience = { step: 4_000, retry: 10_000 };

const database = "sotto";
const values = "values";

/** Changes of one key that are not in the storage yet. */
interface Pending {
  readonly key: Key;
  changes: Change<unknown>[];
}

/** After so many changes of one key they are replaced by their result. */
const maxChanges = 50;

/** What `change` threw: the caller's own refusal, no fault of the storage. */
class Refusal extends Error {
  constructor(readonly reason: unknown) {
    super("refused");
  }
}

export class BrowserStore implements Store {
  private db: IDBDatabase | null = null;
  private opening: Promise<IDBDatabase> | null = null;
  /** IndexedDB does not answer, so nothing is asked of it until the next attempt. */
  private away = false;
  /** The values as last read or written, and those that are only here. */
  private readonly memory = new MemoryStore();
  private readonly pending = new Map<string, Pending>();
  private readonly listeners = new Set<() => void>();
  private recovering: Promise<void> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly patience = defaultPatience) {}

  get persistent(): boolean {
    return !this.away && this.pending.size === 0;
  }

  watch(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async get<T>(key: Key): Promise<T | undefined> {
    if (!this.away && !this.pending.has(nameOf(key))) {
      try {
        const value = await this.attempt((db) => done<T | undefined>(open(db, "readonly").get([...key])));
        if (!this.pending.has(nameOf(key))) this.memory.put(key, value);
      } catch {
        this.failed(true);
      }
    }
    return this.memory.get(key);
  }

  update<T>(key: Key, change: Change<T>, durable = false): Promise<T | undefined> {
    return this.make(key, change, durable, (db) => write(db, key, change));
  }

  async set<T>(key: Key, value: T | undefined): Promise<void> {
    await this.make(key, () => value, false, (db) => overwrite(db, key, value));
  }

  /** Makes a change by `step`, or in memory. */
  private async make<T>(key: Key, change: Change<T>, durable: boolean, step: (db: IDBDatabase) => Promise<T | undefined>): Promise<T | undefined> {
    const name = nameOf(key);
    if (durable && (this.away || this.pending.size > 0)) await this.recover();
    if (!this.away && !this.pending.has(name)) {
      try {
        return this.memory.put(key, await this.attempt(step));
      } catch (error) {
        if (error instanceof Refusal) throw error.reason;
        this.failed(!isRefusedValue(error));
      }
    }
    if (durable) throw new SottoError("storage");
    const result = await this.memory.update(key, change);
    const { changes } = this.pending.get(name) ?? { changes: [] };
    const all = [...changes, change as Change<unknown>];
    this.pending.set(name, { key, changes: all.length > maxChanges ? [() => result] : all });
    this.failed(false);
    return result;
  }

  async list<T>(prefix: Key): Promise<T[]> {
    if (!this.away) {
      try {
        const found = await this.attempt((db) => entries(db, prefix));
        for (const name of this.memory.names(prefix)) if (!this.pending.has(name)) this.memory.put(name.split("\n"), undefined);
        for (const [key, value] of found) if (!this.pending.has(nameOf(key))) this.memory.put(key, value);
      } catch {
        this.failed(true);
      }
    }
    return this.memory.list(prefix);
  }

  async clear(prefix: Key): Promise<void> {
    try {
      await this.attempt((db) => finished(open(db, "readwrite").delete(below(prefix))));
    } catch {
      this.failed(true);
      throw new SottoError("storage");
    }
    for (const name of this.pending.keys()) if (isBelow(name, prefix)) this.pending.delete(name);
    await this.memory.clear(prefix);
    this.announce();
  }

  /** Does a step, on a new connection if that of before was lost. */
  private async attempt<R>(step: (db: IDBDatabase) => Promise<R>): Promise<R> {
    for (let again = false; ; again = true) {
      const db = await this.connect();
      try {
        return await this.within(step(db));
      } catch (error) {
        if (error instanceof Refusal || isRefusedValue(error) || again) throw error;
        if (this.db === db) this.db = null;
        db.close();
      }
    }
  }

  private async connect(): Promise<IDBDatabase> {
    if (this.db) return this.db;
    this.opening ??= this.open();
    try {
      return await this.within(this.opening);
    } finally {
      this.opening = null; // if it answers late, it is still used
    }
  }

  private open(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(database, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(values);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const db = request.result;
        const gone = (): void => {
          if (this.db === db) this.db = null;
          db.close();
        };
        db.onclose = gone; // the browser has ended it
        db.onversionchange = gone; // another tab deletes or upgrades the database
        this.db ??= db;
        if (this.db !== db) db.close();
        resolve(this.db);
        if (this.away) void this.recover();
      };
    });
  }

  private within<T>(step: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the storage does not answer")), this.patience.step);
      void step.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  /** Plans the next attempt; `away` stops using IndexedDB until then. */
  private failed(away: boolean): void {
    this.away ||= away;
    this.timer ??= setTimeout(() => {
      this.timer = undefined; // an attempt that is under way plans the next one, if it fails
      void this.recover();
    }, this.patience.retry);
    this.announce();
  }

  /** Makes the pending changes in the storage, each once. */
  private recover(): Promise<void> {
    return (this.recovering ??= this.storePending().finally(() => (this.recovering = null)));
  }

  private async storePending(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    try {
      await this.attempt((db) => done(open(db, "readonly").count()));
      this.away = false;
      for (const [name, { key, changes }] of this.pending) {
        const stored = await this.attempt((db) => write(db, key, (old) => changes.reduce(orUnchanged, old)));
        const later = this.pending.get(name)!.changes.slice(changes.length);
        if (later.length > 0) this.pending.set(name, { key, changes: later });
        else this.pending.delete(name);
        this.memory.put(key, later.reduce(orUnchanged, stored));
      }
      if (this.pending.size > 0) this.failed(false);
    } catch (error) {
      this.failed(!isRefusedValue(error));
    }
    this.announce();
  }

  private announce(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** Applies a change; one that refuses what another tab has stored leaves it. */
function orUnchanged(old: unknown, change: Change<unknown>): unknown {
  try {
    return change(old);
  } catch {
    return old;
  }
}

/** Reports whether only a value was refused: it cannot be stored, or there is no space for it. */
const isRefusedValue = (error: unknown): boolean =>
  error instanceof DOMException && ["QuotaExceededError", "DataCloneError"].includes(error.name);

/**
 * An array sorts behind every string, so this covers exactly the keys that
 * begin with the prefix.
 */
const below = (prefix: Key): IDBKeyRange => IDBKeyRange.bound([...prefix], [...prefix, []]);

const open = (db: IDBDatabase, mode: IDBTransactionMode): IDBObjectStore => db.transaction(values, mode).objectStore(values);

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    // A lost connection aborts the transaction, perhaps without an event of the request.
    request.transaction!.onabort = () => reject(request.transaction!.error ?? new Error("aborted"));
  });
}

/** Waits until the transaction of a request is stored. */
function finished({ transaction }: IDBRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction!.oncomplete = () => resolve();
    transaction!.onabort = () => reject(transaction!.error ?? new Error("aborted"));
  });
}

async function entries(db: IDBDatabase, prefix: Key): Promise<[Key, unknown][]> {
  const store = open(db, "readonly");
  const [keys, found] = await Promise.all([done(store.getAllKeys(below(prefix))), done<unknown[]>(store.getAll(below(prefix)))]);
  return keys.map((key, i) => [key as string[], found[i]]);
}

/** Replaces a value, and commits at once instead of after the answers. */
async function overwrite<T>(db: IDBDatabase, key: Key, value: T | undefined): Promise<T | undefined> {
  const store = open(db, "readwrite");
  const stored = finished(value === undefined ? store.delete([...key]) : store.put(value, [...key]));
  store.transaction.commit();
  await stored;
  return value;
}

/** Changes a value in one transaction. Error: a Refusal with what `change` threw. */
function write<T>(db: IDBDatabase, key: Key, change: Change<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const store = open(db, "readwrite");
    let result: T | undefined;
    const { transaction } = store;
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
    const read = store.get([...key]);
    const stop = (error: unknown): void => {
      reject(error);
      transaction.abort();
    };
    read.onsuccess = () => {
      try {
        result = change(read.result as T | undefined);
      } catch (error) {
        return stop(new Refusal(error));
      }
      try {
        if (result === undefined) store.delete([...key]);
        else store.put(result, [...key]); // throws if a key cannot be stored
      } catch (error) {
        stop(error);
      }
    };
  });
}
