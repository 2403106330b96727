/** What the store does when the browser's storage fails, is lost, is full, or never answers. */
import { IDBDatabase, IDBFactory, IDBObjectStore } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BrowserStore } from "./browserstore";
import { unhandledRejections } from "./testing/rejections";
import { until } from "./testing/world";

const rejections = unhandledRejections();
const quick = { step: 200, retry: 20 };
const key = ["reads", "ada"];

const increment = (old: number | undefined): number => (old ?? 0) + 1;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

afterEach(async () => {
  vi.restoreAllMocks();
  expect(await rejections()).toEqual([]);
});

/** The connections of the store, which a test can close as the browser does. */
function connections(): IDBDatabase[] {
  const all: IDBDatabase[] = [];
  const transaction = IDBDatabase.prototype.transaction;
  vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(function (this: IDBDatabase, ...how) {
    if (!all.includes(this)) all.push(this);
    return transaction.apply(this, how);
  });
  return all;
}

const full = (): never => {
  throw new DOMException("no space", "QuotaExceededError");
};

test("a lost connection is opened again, and nothing is lost", async () => {
  const open = connections();
  const store = new BrowserStore(quick);
  await store.update(key, increment);
  for (let i = 2; i < 5; i++) {
    for (const db of open) db.close();
    expect(await store.update(key, increment)).toBe(i);
    for (const db of open) db.close();
    expect(await store.get(key)).toBe(i);
    for (const db of open) db.close();
    expect(await store.list(["reads"])).toEqual([i]);
  }
  expect(store.persistent).toBe(true);
  expect(await new BrowserStore(quick).get(key)).toBe(4);
});

test("a value is replaced, deleted, and replaced again without looking at the old one", async () => {
  const store = new BrowserStore(quick);
  const get = vi.spyOn(IDBObjectStore.prototype, "get");
  for (const value of [1, undefined, 2]) {
    await store.set(key, value);
    expect(get).not.toHaveBeenCalled();
    expect(await new BrowserStore(quick).list(["reads"])).toEqual(value === undefined ? [] : [value]);
  }
  const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(full);
  await store.set(key, 3);
  expect(await store.get(key)).toBe(3);
  expect(store.persistent).toBe(false);
  put.mockRestore();
  await until("it is stored", () => store.persistent);
  expect(await new BrowserStore(quick).get(key)).toBe(3);
});

test("a full storage goes on in memory, and stores once there is space", async () => {
  const store = new BrowserStore(quick);
  await store.update(key, increment);
  const watched = vi.fn();
  store.watch(watched);
  const put = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(full);
  for (let i = 2; i < 200; i++) expect(await store.update(key, increment)).toBe(i);
  expect(await store.get(key)).toBe(199);
  expect(await store.list(["reads"])).toEqual([199]);
  expect(store.persistent).toBe(false);
  expect(watched).toHaveBeenCalled();
  await expect(store.update(["keys"], increment, true)).rejects.toMatchObject({ code: "storage" });
  put.mockRestore();
  await until("it is stored", () => store.persistent);
  expect(await new BrowserStore(quick).get(key)).toBe(199);
  expect(await store.update(["keys"], increment, true)).toBe(1);
});

test.each<[string, () => void]>([
  ["is missing", () => Reflect.deleteProperty(globalThis, "indexedDB")],
  ["is blocked", () => Object.defineProperty(globalThis, "indexedDB", { get: () => { throw new DOMException("blocked", "SecurityError"); }, configurable: true })],
  ["never answers", () => (globalThis.indexedDB = { open: () => ({}) } as unknown as globalThis.IDBFactory)],
])("storage that %s: the values last as long as the page, and are stored when it comes back", async (_, fail) => {
  const other = globalThis.indexedDB;
  await new BrowserStore(quick).update(["outbox", "1"], () => "from before");
  fail();
  const store = new BrowserStore(quick);
  expect(await store.get(key)).toBeUndefined();
  expect(await store.update(key, increment)).toBe(1);
  expect(await store.update(key, increment)).toBe(2);
  expect(await store.list(["reads"])).toEqual([2]);
  expect(store.persistent).toBe(false);
  await expect(store.clear(["reads"])).rejects.toMatchObject({ code: "storage" });
  expect(await store.get(key)).toBe(2);
  Object.defineProperty(globalThis, "indexedDB", { value: other, writable: true, configurable: true });
  await until("it is stored", () => store.persistent);
  expect(await new BrowserStore(quick).get(key)).toBe(2);
  expect(await store.list(["outbox"])).toEqual(["from before"]);
});

test("storage that never answers is tried again also if something else fails during an attempt", async () => {
  let opened = 0;
  globalThis.indexedDB = { open: () => ({ n: ++opened }) } as unknown as globalThis.IDBFactory;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const store = new BrowserStore(quick);
    void store.get(key); // fails at 200, so an attempt lasts from 220 to 420
    await vi.advanceTimersByTimeAsync(100);
    store.clear(["reads"]).catch(() => undefined); // fails at 300
    await vi.advanceTimersByTimeAsync(1000);
    const before = opened;
    await vi.advanceTimersByTimeAsync(1000);
    expect(opened, "attempts to open the database after a second").toBeGreaterThan(before);
  } finally {
    vi.useRealTimers();
  }
});

test("what memory holds never replaces what another tab has stored", async () => {
  const here = globalThis.indexedDB;
  await new BrowserStore(quick).update(key, () => 7);
  globalThis.indexedDB = { open: () => ({}) } as unknown as globalThis.IDBFactory;
  const store = new BrowserStore(quick);
  expect(await store.update<number>(key, (old) => old ?? 1)).toBe(1);
  globalThis.indexedDB = here;
  await until("it is stored", () => store.persistent);
  expect(await store.get(key)).toBe(7);
});

test("what a change refuses is the caller's error, and no fault of the storage", async () => {
  const store = new BrowserStore(quick);
  const refusal = new Error("no");
  await expect(
    store.update(key, () => {
      throw refusal;
    }),
  ).rejects.toBe(refusal);
  expect(store.persistent).toBe(true);
});

test("a value that cannot be stored stays in memory, and the others are stored", async () => {
  const store = new BrowserStore(quick);
  const odd = () => 1;
  expect(await store.update(["keys"], () => odd)).toBe(odd);
  await store.update(key, increment);
  expect(await store.get(["keys"])).toBe(odd);
  expect(store.persistent).toBe(false);
  expect(await new BrowserStore(quick).get(key)).toBe(1);
  await store.update(["keys"], () => undefined);
  await until("nothing is missing", () => store.persistent);
});
