/**
 * Attacks by mallory, who ends TLS between a chat and the service: she reads, drops,
 * repeats and adds frames, and has no key.
 */
import { expect, test } from "vitest";
import { sign } from "./envelope";
import { publicJWK } from "./jwk";
import { newMessageID } from "./names";
import { MemoryStore } from "./store";
import type { Entry } from "./testing/service";
import { events, shows, texts, until, world } from "./testing/world";

const w = world();

/** Collects what goes to a user. */
function tap(user: string): string[] {
  const seen: string[] = [];
  w.service.wire = (to, text) => {
    if (to === user) seen.push(text);
    return [text];
  };
  return seen;
}

const ofType = (seen: string[], type: string): string[] => seen.filter((text) => (JSON.parse(text) as { type: string }).type === type);

/** A message that mallory signs herself in a user's name. */
async function forged(from: string, epoch: string, seq: number, body: string): Promise<Entry> {
  const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
  const { kid, jwk } = await publicJWK(pair.publicKey);
  const id = newMessageID();
  const claims = JSON.stringify({ v: 2, sid: "s", sub: from, skid: kid, room: "lobby", id, body });
  const jws = await sign({ kid, jwk, privateKey: pair.privateKey }, "sotto-message+jwt", claims);
  return { seq, id, from, device: kid, jwk: JSON.parse(jwk) as unknown, jws, room: "lobby", epoch, storedAt: Date.now() };
}

/**
 * Vulnerability: a JWE to a device can be made by anybody who has its public key, and
 * nothing else authenticated the service's frames.
 * Attack: mallory replays ada's old signed text as a new message (M1), also after a
 * reload (W2) and in a new epoch (M5, W3), and speaks as a user not met before (M2).
 * This verifies that bob sees none of it.
 */
test("TestAttackForgedDeliveries", async () => {
  const store = new MemoryStore();
  const ada = await w.chat("ada");
  const first = await w.chat("bob", store);
  ada.send("lobby", "yes, pay him");
  ada.send("lobby", "NO, stop");
  await shows(first, "yes, pay him", "NO, stop");
  first.close();
  const bob = await w.chat("bob", store); // the page was loaded again
  const [old] = w.service.rooms.get("lobby")!.log;
  const epoch = old!.epoch;
  for (const entry of [{ ...old!, seq: 3 }, { ...old!, epoch: "epoch-9", seq: 1 }, await forged("eve", epoch, 3, "I am eve"), await forged("ada", epoch, 4, "I am ada")]) {
    w.service.inject("bob", await w.service.sealed("bob", entry));
  }
  ada.send("lobby", "the third");
  await shows(bob, "the third");
  await bob.loadOlder("lobby");
  expect(texts(bob)).toEqual(["yes, pay him", "NO, stop", "the third"]);
  expect(bob.contact("eve").devices).toEqual([]);
});

/**
 * Vulnerability: an authenticated frame could be changed or used again elsewhere.
 * Attack: mallory strips or alters the mac, relabels a frame, and sends frames of an
 * earlier session.
 * This verifies that bob sees each message once.
 */
test("TestAttackChangedDeliveries", async () => {
  const ada = await w.chat("ada");
  const bob = await w.chat("bob");
  const seen = tap("bob");
  ada.send("lobby", "one");
  await shows(bob, "one");
  const one = ofType(seen, "message")[0]!;
  w.service.drop();
  ada.send("lobby", "two");
  await shows(bob, "one", "two");
  const two = ofType(seen, "message").at(-1)!;
  w.service.inject(
    "bob",
    one.replace('"seq":1', '"seq":3'),
    one,
    two.replace('"seq":2', '"seq":3'),
    two.replace('"message"', '"typing"'),
    two.slice(0, -32) + "}",
    two + " ",
    two,
  );
  ada.send("lobby", "three");
  await shows(bob, "one", "two", "three");
});

/**
 * Vulnerability: a client believed every error frame. One could make it give up.
 * Attack: mallory answers with error frames without a mac.
 * This verifies that the chat does not end: it says that the answer was unproven,
 * connects again, and sends the message.
 */
test.each(["device_revoked", "name_taken", "not_a_member", "handshake_required"])("TestAttackForgedErrors %s", async (code) => {
  const ada = await w.chat("ada");
  const seen = events(ada);
  let forgeries = 2;
  w.service.wire = (user, text) => {
    const { type, ref } = JSON.parse(text) as { type: string; ref: string };
    if (user !== "ada" || type !== "ack" || forgeries-- <= 0) return [text];
    return [JSON.stringify({ type: "error", ref, code, message: "x", retry: false })];
  };
  ada.send("lobby", "a text");
  await shows(ada, "a text");
  const errors = (): string[] => seen.flatMap((e) => (e.type === "status" && e.status.phase === "waiting" ? [e.status.error.code] : []));
  await until("the chat has said why", () => errors().length > 0);
  expect(errors()[0]).toBe("unproven");
  await until("the message is sent", () => w.service.rooms.get("lobby")!.log.length === 1 && ada.timeline("lobby").entries.every((e) => e.kind === "message" && e.state === "sent"));
  expect(ada.status().phase).toBe("online");
});

/**
 * Vulnerability: an answer could be held back and given to a later request.
 * Attack: mallory answers each request for history with an old page first.
 * This verifies that the page of the request is read.
 */
test("TestAttackAnswersOfOtherRequests", async () => {
  const ada = await w.chat("ada");
  ada.send("lobby", "one");
  await shows(ada, "one");
  const bob = await w.chat("bob");
  const seen = tap("bob");
  await bob.loadOlder("lobby");
  const old = ofType(seen, "history")[0]!;
  w.service.wire = (user, text) => (user === "bob" && text.includes('"type":"history"') ? [old, text] : user === "bob" && text.includes('"type":"message"') ? [] : [text]);
  ada.send("lobby", "two");
  await shows(ada, "one", "two");
  await until("bob has read the withheld tail", () => {
    bob.reconnect(); // asks for the heads
    return texts(bob).join() === "one,two";
  });
});

/**
 * Vulnerability: a push names no place, so a recorded one could be shown again.
 * Attack: mallory repeats a typing frame.
 * This verifies that it is shown once.
 */
test("TestAttackReplayedPushes", async () => {
  const ada = await w.chat("ada");
  const bob = await w.chat("bob");
  const seen = tap("bob");
  const shown = events(bob);
  const typing = (): number => shown.filter((e) => e.type === "typing" && e.users.length > 0).length;
  ada.typing("lobby");
  await until("bob sees ada typing", () => typing() === 1);
  const old = ofType(seen, "typing")[0]!;
  w.service.inject("bob", old, old, old);
  ada.send("lobby", "hello");
  await shows(bob, "hello");
  expect(typing()).toBe(1);
});
