/** Rooms, messages, gaps and the outbox, over a real WebSocket to a service with faults. */
import { describe, expect, test } from "vitest";
import type { Chat } from "./api";
import { MemoryStore } from "./store";
import { unhandledRejections } from "./testing/rejections";
import { events, shows, texts, until, world } from "./testing/world";

const w = world();
const rejections = unhandledRejections();

async function two(): Promise<[Chat, Chat]> {
  return [await w.chat("ada"), await w.chat("bob")];
}

const numbered = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => `text ${from + i}`);

async function sendAll(chat: Chat, ...bodies: string[]): Promise<void> {
  for (const body of bodies) chat.send("lobby", body);
  const log = w.service.rooms.get("lobby")!.log;
  const head = log.length + bodies.length;
  await until("all is stored", () => log.length >= head || chat.timeline("lobby").entries.every((e) => e.kind !== "message" || e.state !== "sending"));
}

describe("talking", () => {
  test("a message is shown to both, with its provenance", async () => {
    const [ada, bob] = await two();
    const received = events(bob);
    const key = ada.send("lobby", "hello <bob> & all \u2603");
    expect(ada.timeline("lobby").entries).toMatchObject([{ key, own: true, body: "hello <bob> & all \u2603" }]);
    await shows(bob, "hello <bob> & all \u2603");
    expect(bob.timeline("lobby").entries[0]).toMatchObject({
      kind: "message", key, from: "ada", device: ada.device, own: false, state: "received", seq: 1, newDevice: false,
      provenance: { senderDevice: ada.device, signatureChecked: true, serviceKey: w.service.signer.kid },
    });
    await until("the sender's own is back", () => ada.timeline("lobby").entries[0]!.kind === "message" && "provenance" in ada.timeline("lobby").entries[0]!);
    expect(ada.timeline("lobby").entries).toMatchObject([{ key, state: "sent", seq: 1 }]);
    expect(received.filter((event) => event.type === "message")).toHaveLength(1);
  });

  test("rooms are joined, counted and left", async () => {
    const [ada, bob] = await two();
    await expect(ada.join("den")).rejects.toMatchObject({ code: "room_invalid" });
    await ada.createOpen("den");
    await expect(bob.createOpen("den")).rejects.toMatchObject({ code: "room_taken" });
    await expect(bob.createOpen("everyone")).rejects.toMatchObject({ code: "room_invalid" });
    await bob.join("den");
    expect(ada.rooms().map((room) => room.name)).toEqual(["den", "lobby"]);
    ada.send("den", "one");
    ada.send("den", "two");
    await until("bob has two unread", () => bob.rooms()[0]!.unread === 2);
    bob.markRead("den", 1);
    expect(bob.rooms()[0]).toMatchObject({ name: "den", head: 2, unread: 1 });
    await until("ada's own messages are read", () => ada.rooms()[0]!.head === 2 && ada.rooms()[0]!.unread === 0);
    await bob.leave("den");
    expect(bob.rooms().map((room) => room.name)).toEqual(["lobby"]);
    expect(() => bob.send("den", "x")).toThrow("not in this room");
    await expect(bob.leave("lobby")).rejects.toMatchObject({ code: "room_invalid" });
    await expect(bob.join("No!")).rejects.toMatchObject({ code: "room_invalid" });
  });

  test("what is too large is refused before it is sent", async () => {
    const ada = await w.chat("ada");
    expect(() => ada.send("lobby", "x".repeat(16_385))).toThrow("16,384");
    expect(() => ada.send("lobby", "\u0001".repeat(16_384))).toThrow("too long");
    const longest = "\u00e4".repeat(8_192);
    ada.send("lobby", longest);
    await until("the longest is stored", () => w.service.rooms.get("lobby")!.log.length === 1);
    // Half an emoji cannot be signed.
    ada.send("lobby", "\ud83d");
    await shows(ada, longest, "\ufffd");
  });
});

describe("gaps", () => {
  test("lost, repeated and overtaking frames are shown once, in order", async () => {
    const [ada, bob] = await two();
    let held: Record<string, unknown>[] = [];
    w.service.answer = (user, frame) => {
      if (user !== "bob" || frame.type !== "message") return [frame];
      const seq = frame.seq as number;
      if (seq % 5 === 0) return []; // lost
      if (seq % 5 === 1) {
        held.push(frame); // overtaken
        return [];
      }
      return [frame, frame, ...held.splice(0)];
    };
    await sendAll(ada, ...numbered(1, 23));
    await shows(bob, ...numbered(1, 23));
    held = [];
  });

  test("a lost last message is found by a ping", async () => {
    const [ada, bob] = await two();
    w.service.answer = (user, frame) => (user === "bob" && frame.type === "message" ? [] : [frame]);
    await sendAll(ada, "lost");
    expect(texts(bob)).toEqual([]);
    bob.reconnect();
    await shows(bob, "lost");
  });

  test("messages sent while disconnected are read after the reconnect", async () => {
    const [ada, bob] = await two();
    await sendAll(ada, "before");
    await shows(bob, "before");
    w.service.refuse = (user, { action }) => (user === "bob" && action === "handshake" ? "try_again" : null);
    w.service.drop();
    await sendAll(ada, ...numbered(1, 60));
    expect(texts(bob)).toEqual(["before"]);
    w.service.refuse = () => null;
    await shows(bob, "before", ...numbered(1, 60));
  });

  test("a forged message is a gap, and later messages are shown", async () => {
    const [ada, bob] = await two();
    const forgeries = [
      { from: "carol" }, { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }, { jws: "x" }, { device: bob.device }, { jwk: {} },
    ];
    w.service.forge = (to, entry) => (to === "bob" && forgeries[entry.seq - 1] ? { ...entry, ...forgeries[entry.seq - 1] } : entry);
    await sendAll(ada, ...numbered(1, 6));
    await shows(bob, "-", "-", "-", "-", "-", "text 6");
    expect(bob.contact("carol").devices).toEqual([]);
  });

  test("a message that the service repeats with another seq is shown once", async () => {
    const [ada, bob] = await two();
    await sendAll(ada, "pay 10");
    await shows(bob, "pay 10");
    const { log } = w.service.rooms.get("lobby")!;
    log.push({ ...log[0]!, seq: 2 });
    await sendAll(ada, "after");
    await shows(bob, "pay 10", "-", "after");
    const late = await w.chat("carol");
    await late.loadOlder("lobby");
    expect(texts(late)).toEqual(["pay 10", "-", "after"]);
  });

  test("a withheld message becomes a gap", async () => {
    const [ada, bob] = await two();
    w.service.answer = (user, frame) => {
      if (user !== "bob" || frame.type === "message") return user === "bob" && frame.seq === 1 ? [] : [frame];
      return frame.type === "history" ? [{ ...frame, from: 1, to: 0 }] : [frame];
    };
    await sendAll(ada, "withheld", "shown");
    await shows(bob, "-", "shown");
  });

  test("a new epoch starts a new log", async () => {
    const [ada, bob] = await two();
    await sendAll(ada, "old");
    await shows(bob, "old");
    await bob.loadOlder("lobby");
    w.service.rooms.set("lobby", { epoch: "epoch-2", floor: 1, log: [] });
    ada.send("lobby", "new");
    await shows(bob, "new");
    await until("ada has it too", () => texts(ada).join() === "new");
  });

  test("frames that break the protocol are ignored", async () => {
    const [ada, bob] = await two();
    await shows(bob);
    for (const frame of [
      { type: "message", room: "lobby", epoch: "epoch-1", seq: "1", jwe: "x" }, { type: "message", room: 1 },
      { type: "typing", room: "lobby" }, { type: "mark", room: "lobby", user: "ada" }, { type: "serverKey", keyset: "x" }, { type: "news" }, {},
    ]) {
      w.service.deliver("lobby", frame);
    }
    await sendAll(ada, "still here");
    await shows(bob, "still here");
    expect(bob.status()).toEqual({ phase: "online" });
  });
});

describe("history", () => {
  test("is loaded page by page, upwards, down to the floor", async () => {
    const ada = await w.chat("ada");
    await sendAll(ada, ...numbered(1, 95));
    await shows(ada, ...numbered(1, 95));
    w.service.rooms.get("lobby")!.floor = 6;
    const bob = await w.chat("bob");
    expect(bob.timeline("lobby")).toMatchObject({ entries: [], older: true });
    expect(await bob.loadOlder("lobby")).toBe(true);
    expect(texts(bob)).toEqual(numbered(56, 95));
    const [more, same] = await Promise.all([bob.loadOlder("lobby"), bob.loadOlder("lobby")]);
    expect([more, same]).toEqual([true, true]);
    expect(texts(bob)).toEqual(numbered(16, 95));
    expect(await bob.loadOlder("lobby")).toBe(false);
    expect(texts(bob)).toEqual(numbered(6, 95));
    expect(bob.rooms()[0]!.unread).toBe(0);
    await sendAll(ada, "live");
    await shows(bob, ...numbered(6, 95), "live");
  });
});

describe("the outbox", () => {
  test("stores a message once if acks and connections are lost", async () => {
    const [ada, bob] = await two();
    let lost = 0;
    w.service.answer = (user, frame) => {
      if (user !== "ada" || frame.type !== "ack" || lost >= 3) return [frame];
      lost++;
      w.service.drop();
      return [];
    };
    for (const text of numbered(1, 5)) ada.send("lobby", text);
    await shows(bob, ...numbered(1, 5));
    await shows(ada, ...numbered(1, 5));
    await until("all are sent", () => ada.timeline("lobby").entries.every((e) => e.kind === "message" && e.state === "sent"));
    expect(lost).toBe(3);
    expect(w.service.rooms.get("lobby")!.log).toHaveLength(5);
  });

  test("keeps queued messages for the next page", async () => {
    const store = new MemoryStore();
    const ada = await w.chat("ada", store);
    await w.service.stop();
    await until("ada is offline", () => ada.status().phase === "waiting");
    for (const text of numbered(1, 3)) ada.send("lobby", text);
    expect(ada.timeline("lobby").entries).toMatchObject([{ state: "queued" }, { state: "queued" }, { state: "queued" }]);
    ada.close();
    const again = await w.chat("ada", store); // opens without a connection
    expect(again.status().phase).toBe("waiting");
    expect(texts(again)).toEqual(numbered(1, 3));
    await w.service.resume();
    again.reconnect();
    await until("all are stored", () => w.service.rooms.get("lobby")!.log.length === 3);
    await shows(again, ...numbered(1, 3));
    await until("nothing is left", () => again.timeline("lobby").entries.every((e) => e.kind === "message" && e.state === "sent"));
    expect(await store.list(["outbox"])).toEqual([]);
  });

  test("shows a message once if the history has it before its ack", async () => {
    const store = new MemoryStore();
    const ada = await w.chat("ada", store);
    w.service.answer = (_, frame) => (frame.type === "ack" || frame.type === "message" ? [] : [frame]);
    ada.send("lobby", "once");
    await until("it is stored", () => w.service.rooms.get("lobby")!.log.length === 1);
    ada.close();
    const again = await w.chat("ada", store);
    await again.loadOlder("lobby");
    expect(texts(again)).toEqual(["once"]);
    w.service.answer = (_, frame) => [frame];
    w.service.drop();
    await until("the outbox is empty", async () => (await store.list(["outbox"])).length === 0);
    expect(texts(again)).toEqual(["once"]);
  });

  test("retries temporary errors, and shows the others", async () => {
    const ada = await w.chat("ada");
    let refusals = 0;
    w.service.refuse = (_, { action }) => (action === "sendMessage" && refusals++ < 3 ? "rate_limited" : null);
    await sendAll(ada, "patient");
    await shows(ada, "patient");
    w.service.refuse = (_, { action }) => (action === "sendMessage" ? "not_a_member" : null);
    const key = ada.send("lobby", "refused");
    await until("it has failed", () => ada.timeline("lobby").entries.some((e) => e.kind === "message" && e.state === "failed"));
    expect(ada.timeline("lobby").entries[1]).toMatchObject({ key, error: { code: "not_a_member", retry: false } });
    w.service.refuse = () => null;
    ada.retry(key);
    await until("it is sent", () => w.service.rooms.get("lobby")!.log.length === 2);
    w.service.refuse = (_, { action }) => (action === "sendMessage" ? "not_a_member" : null);
    const other = ada.send("lobby", "given up");
    await until("it has failed", () => ada.timeline("lobby").entries.some((e) => e.kind === "message" && e.state === "failed"));
    ada.discard(other);
    expect(texts(ada)).toEqual(["patient", "refused"]);
  });

  test("a message is sealed again after a change of the server key", async () => {
    const [ada, bob] = await two();
    await w.service.rotate(true);
    await sendAll(ada, "sealed twice");
    await shows(bob, "sealed twice");
    await w.service.rotate(true);
    w.service.deliver("lobby", { type: "serverKey", keyset: await w.service.keySet() });
    await sendAll(bob, "sealed to the announced key");
    await shows(ada, "sealed twice", "sealed to the announced key");
  });
});

describe("hints", () => {
  test("an answer to presence that breaks the protocol is ignored", async () => {
    const [ada, bob] = await two();
    let answered = 0;
    w.service.answer = (_, frame) => {
      if (frame.type !== "presence") return [frame];
      answered++;
      return [{ ...frame, users: "ada" }];
    };
    ada.presence("lobby");
    await until("the answer is sent", () => answered === 1);
    await sendAll(bob, "still here");
    await shows(ada, "still here");
    expect(await rejections()).toEqual([]);
  });

  test("typing is shown and ends after a while", async () => {
    const [ada, bob] = await two();
    const received = events(bob);
    for (let i = 0; i < 10; i++) ada.typing("lobby");
    await until("it began and ended", () => received.filter((e) => e.type === "typing").length === 2);
    expect(received.filter((e) => e.type === "typing")).toMatchObject([{ users: ["ada"] }, { users: [] }]);
    expect(w.service.requests.filter(({ request }) => request.action === "typing")).toHaveLength(1);
  });

  test("marks are shown, and sent again to new users", async () => {
    const [ada, bob] = await two();
    await sendAll(ada, "one", "two");
    await shows(bob, "one", "two");
    bob.markRead("lobby", 1);
    await until("ada knows", () => ada.timeline("lobby").marks.bob?.read === 1);
    expect(ada.timeline("lobby").marks).toEqual({ bob: { delivered: 2, read: 1 } });
    w.service.deliver("lobby", { type: "mark", room: "lobby", user: "carol", delivered: 1e9, read: 1e9 });
    w.service.deliver("lobby", { type: "mark", room: "lobby", user: "dave", delivered: 1, read: 2 });
    // Attack: a forged mark would count for all future messages. It is clipped to the head.
    await until("the forged mark is clipped", () => ada.timeline("lobby").marks.carol?.read === 2);
    const carol = await w.chat("carol");
    await shows(carol);
    const received = events(ada);
    ada.presence("lobby");
    bob.presence("lobby");
    await until("carol has bob's", () => carol.timeline("lobby").marks.bob?.read === 1);
    await until("ada knows who is here", () => received.some((e) => e.type === "presence" && e.presence.users.join() === "ada,bob,carol"));
    expect(Object.keys(ada.timeline("lobby").marks)).not.toContain("dave");
    expect(ada.timeline("lobby").marks.carol?.delivered ?? 0).toBeLessThanOrEqual(2);
  });

  test("marks survive a reload, until the room has a new log", async () => {
    const store = new MemoryStore();
    const [ada, bob] = [await w.chat("ada", store), await w.chat("bob")];
    await sendAll(ada, "one");
    await shows(bob, "one");
    bob.markRead("lobby", 1);
    const marks = { bob: { delivered: 1, read: 1 } };
    await until("ada knows", () => ada.timeline("lobby").marks.bob?.read === 1);
    await until("it is stored", async () => (await store.list(["marks"])).length > 0);
    ada.close();
    w.service.answer = (user, frame) => (user === "ada" && frame.type === "mark" ? [] : [frame]);
    const again = await w.chat("ada", store);
    expect(again.timeline("lobby").marks).toEqual(marks);
    again.close();
    Object.assign(w.service.rooms.get("lobby")!, { epoch: "epoch-2", log: [] });
    expect((await w.chat("ada", store)).timeline("lobby").marks).toEqual({});
    await until("they are deleted", async () => (await store.list(["marks"])).length === 0);
  });

  test("another device of a user gets the marks of those who are there", async () => {
    const [ada, bob] = await two();
    await sendAll(ada, "one");
    await shows(bob, "one");
    bob.markRead("lobby", 1);
    ada.markRead("lobby", 1);
    await until("ada knows", () => ada.timeline("lobby").marks.bob?.read === 1);
    const store = new MemoryStore();
    const { device } = await w.library(store).linkRequest(w.service.url, "ada");
    const second = await w.chat("ada", store, { link: (await ada.link(device)).token });
    expect(second.timeline("lobby").marks).toEqual({});
    const sent = () => w.service.requests.filter(({ request }) => request.action === "mark" && request.delivered === 0).length;
    for (let i = 0; i < 3; i++) second.presence("lobby");
    await until("it knows too", () => second.timeline("lobby").marks.bob?.read === 1);
    expect(sent()).toBe(1);
    // After a reconnect it asks again, and is answered again.
    w.service.drop();
    await until("it is offline", () => second.status().phase !== "online");
    await until("it is back", () => second.status().phase === "online");
    second.presence("lobby");
    await until("it asks again", () => sent() === 2);
    expect(ada.timeline("lobby").marks).toEqual({ bob: { delivered: 1, read: 1 } });
  });

  test("a mark that comes before its message counts once the message is there", async () => {
    const ada = await w.chat("ada");
    w.service.members.get("lobby")!.add("bob");
    w.service.deliver("lobby", { type: "mark", room: "lobby", user: "bob", delivered: 1, read: 1 });
    w.service.deliver("lobby", { type: "mark", room: "lobby", user: "No!", delivered: 0, read: 0 });
    const bob = await w.chat("bob");
    expect(ada.timeline("lobby").marks).toEqual({});
    ada.send("lobby", "one");
    await shows(bob, "one");
    await until("it counts", () => ada.timeline("lobby").marks.bob?.read === 1);
  });

  test("those who ask again and again are answered at intervals", async () => {
    const [ada, bob] = await two();
    await sendAll(ada, "one");
    await shows(bob, "one");
    const marks = () => w.service.requests.filter(({ user, request }) => user === "bob" && request.action === "mark").length;
    await until("bob has sent a mark", () => marks() > 0);
    const before = marks();
    for (let i = 0; i < 50; i++) w.service.deliver("lobby", { type: "mark", room: "lobby", user: "carol", delivered: 0, read: 0 });
    await until("bob answers", () => marks() > before);
    ada.send("lobby", "two");
    await shows(bob, "one", "two");
    await until("bob has answered again", () => marks() >= before + 2);
    expect(marks()).toBeLessThan(before + 10);
  });
});
