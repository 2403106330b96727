import { expect, test } from "vitest";
import type { Message } from "../../lib";
import { progress } from "./rows";

const message = (state: Message["state"]): Message => ({
  kind: "message",
  key: "k",
  room: "lobby",
  id: "i",
  from: "ada",
  device: "d",
  body: "text",
  own: true,
  state,
  seq: 5,
  at: 0,
  newDevice: false,
});
const read = { bob: { delivered: 5, read: 5 } };
const delivered = { bob: { delivered: 5, read: 4 } };

test.each([
  ["queued", false, {}, "Waiting for a connection"],
  ["sending", false, {}, "Sending"],
  ["failed", false, {}, "Not sent"],
  ["sent", false, {}, "Sent"],
  ["sent", false, delivered, "Delivered to bob"],
  ["sent", false, read, "Read by bob"],
  // After the end nothing waits for a connection.
  ["queued", true, {}, "Not sent"],
  ["sending", true, {}, "Not sent"],
  ["failed", true, {}, "Not sent"],
  ["sent", true, read, "Read by bob"],
] as const)("an own message that is %s, ended: %s", (state, ended, marks, want) => {
  expect(progress(message(state), marks, ended).label).toBe(want);
});
