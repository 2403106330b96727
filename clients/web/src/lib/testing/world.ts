/** Helpers for the tests that use the service. */
import { afterEach, beforeEach } from "vitest";
import type { Chat, ChatEvent, Entry, OpenOptions } from "../api";
import { library } from "../index";
import { MemoryStore, type Store } from "../store";
import type { Timing } from "../timing";
import { Service } from "./service";

/** Durations that a test can wait for. No test depends on how long something takes. */
const quick: Timing = {
  reply: 5_000,
  dial: 20_000,
  ping: 3_600_000,
  grace: 20,
  steady: 1,
  hint: 50,
  answer: 200,
  typing: 150,
  invitations: 50,
  retry: { first: 1, most: 10 },
  reconnect: { first: 1, most: 20 },
};

export interface World {
  service: Service;
  /** Opens a chat; the same store is the same browser. */
  chat(user: string, store?: Store, more?: Partial<OpenOptions>): Promise<Chat>;
  library(store: Store): ReturnType<typeof library>;
}

/**
 * Generating RSA keys is slow, and tests need many. All tests of a file use the same
 * keys, each key once per test.
 */
const pool: CryptoKeyPair[] = [];
let drawn = 0;
const generate = crypto.subtle.generateKey.bind(crypto.subtle) as (...how: unknown[]) => Promise<CryptoKeyPair>;
crypto.subtle.generateKey = (async (...how: unknown[]) => {
  if (how[0] === "Ed25519") return generate(...how);
  const at = drawn++;
  return (pool[at] ??= await generate(...how));
}) as typeof crypto.subtle.generateKey;

/** Starts a new service for each test of the file. */
export function world(): World {
  const chats: Chat[] = [];
  const w = {
    library: (store: Store) => library(async () => store, quick),
    async chat(user: string, store: Store = new MemoryStore(), more: Partial<OpenOptions> = {}) {
      const chat = await w.library(store).open({ url: w.service.url, user, ...more });
      chats.push(chat);
      return chat;
    },
  } as World;
  beforeEach(async () => {
    drawn = 0;
    w.service = await Service.start();
  });
  afterEach(async () => {
    for (const chat of chats.splice(0)) chat.close();
    await w.service.stop();
  });
  return w;
}

/** Waits up to 30 s for a condition. */
export async function until(what: string, holds: () => unknown): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); ) {
    if (Date.now() > end) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const show = (entry: Entry): string => (entry.kind === "message" ? entry.body : "-");
export const texts = (chat: Chat, room = "lobby"): string[] => chat.timeline(room).entries.map(show);

/** Waits until a room shows exactly these texts. */
export const shows = (chat: Chat, ...want: string[]): Promise<void> =>
  until(`${chat.user} sees ${want.join()}, has ${texts(chat).join()}`, () => texts(chat).join("\n") === want.join("\n"));

/** Collects a chat's events. */
export function events(chat: Chat): ChatEvent[] {
  const all: ChatEvent[] = [];
  chat.subscribe((event) => all.push(event));
  return all;
}
