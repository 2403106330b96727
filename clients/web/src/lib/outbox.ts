/**
 * Unsent messages: sent in order per room and retried under the same id until the
 * service has stored them. They are in the browser's store meanwhile, so a reload or
 * a crash loses none. Two tabs of one user may both send a message; the service
 * stores it once.
 */
import type { Message } from "./api";
import { asError, SottoError } from "./errors";
import { newMessageID } from "./names";
import type { Store } from "./store";

/** An unsent message in the store. */
interface Draft {
  id: string;
  room: string;
  body: string;
  /** When it was written, Unix ms. */
  at: number;
  /** Why the service refused it. */
  failed?: SottoError["code"];
}

export interface Ack {
  epoch: string;
  seq: number;
  storedAt: number;
}

interface Item extends Draft {
  state: "queued" | "sending" | "sent" | "failed";
  ack?: Ack;
}

export interface OutboxPort {
  /** Seals and sends a message. Error: offline if there is no connection or it is lost. */
  submit(room: string, id: string, body: string): Promise<Ack>;
  online(): boolean;
  /** A message is stored in the log. */
  acknowledged(room: string, id: string, ack: Ack): void;
  changed(room: string): void;
}

export class Outbox {
  /** In the order in which they were written. */
  private items: Item[] = [];
  private readonly busy = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly key: readonly string[],
    private readonly port: OutboxPort,
  ) {}

  /** Reads the stored messages. ULIDs sort by time, so they are in the order of writing. */
  async load(): Promise<void> {
    const drafts = await this.store.list<Draft>(this.key);
    this.items = drafts.map((draft) => ({ ...draft, state: draft.failed ? "failed" : "queued" }));
  }

  add(room: string, body: string): string {
    const item: Item = { id: newMessageID(), room, body, at: Date.now(), state: "queued" };
    this.items.push(item);
    void this.save(item);
    this.port.changed(room);
    this.flush();
    return item.id;
  }

  retry(id: string): void {
    const item = this.items.find((each) => each.id === id);
    if (item?.state !== "failed") return;
    delete item.failed;
    item.state = "queued";
    void this.save(item);
    this.port.changed(item.room);
    this.flush();
  }

  discard(id: string): void {
    const item = this.items.find((each) => each.id === id);
    if (item && (item.state === "failed" || item.state === "queued")) this.remove(item);
  }

  /** The message was received in the room's log. */
  settled(id: string): void {
    const item = this.items.find((each) => each.id === id);
    if (item) this.remove(item);
  }

  /** The log of a room has reached `seq`, so it includes the messages stored up to there. */
  passed(room: string, epoch: string, seq: number): void {
    for (const item of this.items.filter((each) => each.room === room && each.ack)) {
      if (item.ack!.epoch !== epoch || item.ack!.seq <= seq) this.remove(item);
    }
  }

  /** The unsent messages of a room. */
  entries(room: string, user: string, device: string): Message[] {
    return this.items
      .filter((item) => item.room === room)
      .map(({ id, body, at, state, failed, ack }) => ({
        kind: "message",
        key: `${device}.${id}`,
        room,
        id,
        from: user,
        device,
        body,
        own: true,
        state,
        at: ack?.storedAt ?? at,
        newDevice: false,
        ...(failed && { error: new SottoError(failed) }),
        ...(ack && { seq: ack.seq }),
      }));
  }

  /** Sends the queued messages, one after the other in each room to keep the order. */
  flush(): void {
    for (const { room } of this.items.filter((item) => item.state === "queued")) void this.send(room);
  }

  private async send(room: string): Promise<void> {
    if (this.busy.has(room)) return;
    this.busy.add(room);
    try {
      for (;;) {
        const item = this.items.find((each) => each.room === room && each.state === "queued");
        if (!item || !this.port.online()) return;
        item.state = "sending";
        this.port.changed(room);
        try {
          item.ack = await this.port.submit(room, item.id, item.body);
          item.state = "sent";
          this.erase(item);
          this.port.acknowledged(room, item.id, item.ack);
        } catch (cause) {
          const { code } = asError(cause);
          if (code === "offline" || code === "closed") item.state = "queued";
          else {
            item.state = "failed";
            item.failed = code;
            void this.save(item);
          }
        }
        this.port.changed(room);
        if (item.state === "queued") return; // the next connection continues
      }
    } finally {
      this.busy.delete(room);
    }
  }

  private async save({ id, room, body, at, failed }: Item): Promise<void> {
    const draft: Draft = { id, room, body, at, ...(failed && { failed }) };
    // If the browser's storage is full, the message is sent anyway.
    await this.store.set([...this.key, id], draft).catch(() => undefined);
  }

  /**
   * Deletes the draft. If the store fails, the next page sends the message
   * again under the same id.
   */
  private erase(item: Item): void {
    void this.store.set([...this.key, item.id], undefined).catch(() => undefined);
  }

  private remove(item: Item): void {
    this.items = this.items.filter((each) => each !== item);
    this.erase(item);
    this.port.changed(item.room);
  }
}
