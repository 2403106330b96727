/**
 * What the outbox does when the browser's storage fails: the message is sent
 * all the same, and nothing is thrown.
 */
import { expect, test } from "vitest";
import { type Ack, Outbox } from "./outbox";
import { MemoryStore } from "./store";
import { unhandledRejections } from "./testing/rejections";
import { until } from "./testing/world";

const rejections = unhandledRejections();

/** A store that fails every write, as a full or closed IndexedDB does. */
class FailingStore extends MemoryStore {
  override set(): Promise<void> {
    return Promise.reject(new DOMException("the quota is used up", "QuotaExceededError"));
  }
}

/** An outbox over a failing store; `submit` answers for the service. */
async function outbox(submit: () => Promise<Ack>): Promise<Outbox> {
  const made = new Outbox(new FailingStore(), ["outbox"], {
    submit,
    online: () => true,
    acknowledged: () => undefined,
    changed: () => undefined,
  });
  await made.load();
  return made;
}

const states = (made: Outbox): string[] => made.entries("lobby", "ada", "device").map((entry) => entry.state);

test("a draft that cannot be deleted after its acknowledgement is no unhandled rejection", async () => {
  const made = await outbox(async () => ({ epoch: "epoch-1", seq: 1, storedAt: 1 }));
  made.add("lobby", "hello");
  await until("the message is sent", () => states(made).join() === "sent");
  expect(await rejections()).toEqual([]);
});

test("a text that cannot be stored is sent all the same", async () => {
  const sent: string[] = [];
  const made = await outbox(async () => {
    sent.push("one");
    return { epoch: "epoch-1", seq: 1, storedAt: 1 };
  });
  made.add("lobby", "hello");
  await until("the message is sent", () => sent.length === 1);
  made.settled(made.entries("lobby", "ada", "device")[0]!.id);
  expect(await rejections()).toEqual([]);
});
