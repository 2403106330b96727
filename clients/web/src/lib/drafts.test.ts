/** Half-written messages across a reload. */
import "fake-indexeddb/auto";
import { expect, test } from "vitest";
import { BrowserStore } from "./browserstore";
import { events, world } from "./testing/world";

const w = world();

test("a draft survives a reload, in its room and for its user, until it is emptied", async () => {
  const ada = await w.chat("ada", new BrowserStore());
  await ada.createOpen("garden");
  ada.keepDraft("lobby", "half a");
  ada.keepDraft("lobby", "half a message");
  ada.keepDraft("garden", "another");
  ada.close();
  const again = await w.chat("ada", new BrowserStore());
  expect([again.draft("lobby"), again.draft("garden"), again.draft("other")]).toEqual(["half a message", "another", ""]);
  again.keepDraft("lobby", "");
  await again.leave("garden");
  again.close();
  const third = await w.chat("ada", new BrowserStore());
  expect([third.draft("lobby"), third.draft("garden")]).toEqual(["", ""]);
  third.keepDraft("lobby", "of ada");
  expect((await w.chat("bob", new BrowserStore())).draft("lobby")).toBe("");
  third.close();
  const store = new BrowserStore();
  await w.library(store).forget(w.service.url, "ada");
  expect(await store.list(["drafts"])).toEqual([]);
});

test("a listener that throws does not keep events from the others", async () => {
  const reported: unknown[] = [];
  globalThis.reportError = (error) => reported.push(error);
  const ada = await w.chat("ada");
  const failure = new Error("a listener failed");
  ada.subscribe(() => {
    throw failure;
  });
  const received = events(ada);
  await ada.createOpen("garden");
  expect(received).toContainEqual({ type: "rooms" });
  expect(reported).toContain(failure);
});
