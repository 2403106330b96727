/** One room's messages in order, each exactly once (protocol §6). */
import type { Entry } from "./api";
import type { Opened, Page } from "./device";
import { SottoError } from "./errors";
import { integer, type Members, string } from "./json";
import { maxPage } from "./names";
import type { RoomState } from "./profile";
import { delay, sleep, type Timing } from "./timing";

/** What a log needs from its owner. */
export interface LogPort {
  timing: Timing;
  /** Opens a message frame. Throws if it fails verification. */
  open(frame: Members): Promise<Opened>;
  /** Requests the page after `after`. Errors: offline and those of the service. */
  history(room: string, after: number, limit: number): Promise<Page>;
  /** The generation of the device's newest confirmed key. */
  keyGen(): number;
  entry(opened: Opened): Entry;
  /** An entry was appended. `live`: it is a new message, not from history. */
  appended(log: RoomLog, entry: Entry, live: boolean): void;
  /** The log has a new epoch; the old entries are gone. */
  restarted(log: RoomLog): void;
  /** Head, floor or entries have changed. */
  changed(log: RoomLog): void;
}

/**
 * How often the history is asked for a message that it does not return. After
 * that a gap is shown.
 */
const maxEmptyPages = 5;

/** How many messages `loadOlder` loads. */
const olderCount = 40;

/** How many missed messages are read: ten pages. More are loaded when the user scrolls. */
const maxMissed = 1000;

/** Entries kept of one room. Older ones can be loaded again. */
const maxEntries = 5000;

/** Frames queued behind a gap. Further messages are read from the history. */
const maxPending = 256;

export class RoomLog {
  readonly room: string;
  epoch: string;
  head: number;
  floor: number;
  /** The last seq that is in `entries`, or known to be missing. */
  last: number;
  /** `entries` is complete from this seq. */
  low: number;
  /** From `low` to `last`, without expired messages. */
  entries: Entry[] = [];

  /** Of `entries`. */
  private readonly keys = new Set<string>();
  private readonly retired = new Set<string>();
  private readonly pending = new Map<number, Members>();
  private pumping = false;
  private wake = (): void => {};
  private emptyPages = 0;
  private loading: Promise<boolean> | null = null;
  private wanted = false;
  private stopped = false;

  /** A log begins at its head. Older messages are loaded on request. */
  constructor(
    private readonly port: LogPort,
    state: RoomState,
  ) {
    this.room = state.room;
    this.epoch = state.epoch;
    this.head = this.last = state.head;
    this.floor = state.floor;
    this.low = state.head + 1;
  }

  get older(): boolean {
    return this.low > Math.max(this.floor, 1);
  }

  stop(): void {
    this.stopped = true;
    this.wake();
  }

  /** Records the state of the log at the service. A floor of 0 means unknown. */
  observe(epoch: string, head: number, floor: number): void {
    if (!this.switchEpoch(epoch, head)) return;
    const before = this.head;
    this.head = Math.max(this.head, head);
    this.floor = Math.max(this.floor, floor);
    if (this.head !== before) this.port.changed(this);
    void this.pump();
  }

  /**
   * Continues after a reconnect. Missed messages are read in order. If there are too
   * many, or if they are from before this page was loaded (`stale`), the log begins
   * at its head again.
   */
  resume(state: RoomState, stale: boolean): void {
    const skip = stale || state.head - this.last > maxMissed;
    if (state.epoch === this.epoch && state.head > this.last && skip && !this.pumping) {
      this.clear();
      this.last = state.head;
      this.low = state.head + 1;
      this.reload();
    }
    this.observe(state.epoch, state.head, state.floor);
  }

  /** Handles a message frame. */
  deliver(frame: Members): void {
    const [epoch, seq] = [string(frame, "epoch"), integer(frame, "seq")];
    if (!this.switchEpoch(epoch, seq - 1) || seq <= this.last) return;
    if (this.pending.size < maxPending) this.pending.set(seq, frame);
    this.wake();
    this.observe(epoch, seq, 0);
  }

  /** Records that a message exists, from an ack. */
  expect(epoch: string, seq: number): void {
    if (this.switchEpoch(epoch, seq - 1)) this.observe(epoch, seq, 0);
  }

  /** Loads older messages. Returns whether there are more. */
  loadOlder(): Promise<boolean> {
    this.wanted = true;
    this.loading ??= this.readOlder().finally(() => (this.loading = null));
    return this.loading;
  }

  /**
   * Switches to a new epoch, whose log has the given head. Returns false for an
   * epoch that has ended.
   */
  private switchEpoch(epoch: string, head: number): boolean {
    if (epoch === this.epoch) return true;
    if (this.retired.has(epoch)) return false; // a late frame
    this.retired.add(this.epoch);
    this.epoch = epoch;
    this.clear();
    this.head = head;
    this.last = head > maxMissed ? head : 0;
    this.low = this.last + 1;
    this.floor = 0;
    this.port.restarted(this);
    this.port.changed(this);
    this.reload();
    return true;
  }

  private clear(): void {
    this.entries = [];
    this.keys.clear();
    this.pending.clear();
  }

  /** Loads the latest messages again if they were loaded before. */
  private reload(): void {
    if (!this.wanted) return;
    const before = this.loading ?? Promise.resolve();
    void before.catch(() => undefined).then(() => this.loadOlder().catch(() => undefined));
  }

  /** Appends queued frames and requests missing messages. One call runs at a time. */
  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    try {
      for (let settled = false; !this.stopped; ) {
        this.skipExpired();
        const frame = this.pending.get(this.last + 1);
        if (frame) {
          settled = false;
          await this.take(frame);
        } else if (this.head <= this.last) break;
        else if (settled) await this.fill();
        else {
          settled = true;
          // Wait a moment for an overtaken message, if a later one has arrived.
          if (this.pending.size > 0) await this.settle();
        }
      }
    } catch {
      // The connection was lost or the service refuses. The next welcome, message
      // or ping starts this again.
    } finally {
      this.pumping = false;
    }
  }

  /** Messages below the floor have expired. */
  private skipExpired(): void {
    if (this.last < this.floor - 1) {
      this.last = this.floor - 1;
      if (this.entries.length === 0) this.low = this.floor;
    }
    for (const seq of this.pending.keys()) if (seq <= this.last) this.pending.delete(seq);
  }

  private async take(frame: Members): Promise<void> {
    const { epoch, last } = this;
    const opened = await this.port.open(frame).catch(() => null);
    if (this.epoch !== epoch || this.last !== last) return;
    if (opened) this.append(opened.seq, this.port.entry(opened), true);
    else await this.fill(); // the history seals it again, to the newest key
  }

  private settle(): Promise<void> {
    return new Promise((resolve) => {
      const stop = (): void => {
        clearTimeout(timer);
        this.wake = () => {};
        resolve();
      };
      const timer = setTimeout(stop, this.port.timing.grace);
      this.wake = () => {
        if (this.stopped || this.pending.has(this.last + 1)) stop();
      };
    });
  }

  /** Reads one page after the last message. */
  private async fill(): Promise<void> {
    const { epoch, last } = this;
    const gen = this.port.keyGen();
    const page = await this.port.history(this.room, last, maxPage);
    this.observe(page.epoch, page.head, page.floor);
    // The page begins at a seq of the old log: ask again.
    if (this.epoch !== epoch) return;
    if (page.epoch !== epoch || this.last !== last) return sleep(delay(this.port.timing.retry, 0));
    this.skipExpired();
    // The key was rotated meanwhile: ask again, for a page sealed to the newest key.
    if (page.items === null && this.port.keyGen() !== gen) return;
    for (let seq = page.from; seq <= page.to; seq++) {
      if (seq === this.last + 1) this.append(seq, this.entryAt(page, seq), false);
    }
    if (this.last > last) this.emptyPages = 0;
    else if (++this.emptyPages < maxEmptyPages) await sleep(delay(this.port.timing.retry, this.emptyPages));
    else {
      // Trust the head of the page: the message is withheld, or it does not exist.
      this.emptyPages = 0;
      if (page.head > this.last) this.append(this.last + 1, this.gap(this.last + 1, "The service does not return this message."), false);
      else {
        this.head = page.head;
        this.pending.clear();
      }
    }
  }

  private append(seq: number, opened: Entry, live: boolean): void {
    const entry = this.deduplicate(seq, opened);
    this.last = seq;
    this.emptyPages = 0;
    this.entries.push(entry);
    if (this.entries.length > maxEntries) {
      for (const { key } of this.entries.splice(0, maxEntries / 2)) this.keys.delete(key);
      this.low = this.entries[0]!.seq!;
    }
    this.port.appended(this, entry, live);
    this.port.changed(this);
  }

  /**
   * A signature is valid for a room and an id, not for a seq, so the service
   * could repeat a message.
   */
  private deduplicate(seq: number, entry: Entry): Entry {
    if (this.keys.has(entry.key)) return this.gap(seq, "The service repeats an earlier message here.");
    this.keys.add(entry.key);
    return entry;
  }

  private entryAt(page: Page, seq: number): Entry {
    const opened = page.items?.[seq - page.from];
    return opened ? this.port.entry(opened) : this.gap(seq, "This message could not be opened, or its signature is not valid.");
  }

  private gap(seq: number, reason: string): Entry {
    return { kind: "gap", key: `${this.room}/${this.epoch}/${seq}`, room: this.room, seq, reason };
  }

  private async readOlder(): Promise<boolean> {
    const { epoch, low } = this;
    const found: Entry[] = [];
    for (let after = Math.max(this.floor - 1, low - 1 - olderCount, 0); after < low - 1; ) {
      const page = await this.port.history(this.room, after, low - 1 - after);
      this.observe(page.epoch, page.head, page.floor);
      if (this.stopped) throw new SottoError("not_a_member");
      if (this.epoch !== epoch || this.low !== low) return this.older;
      if (page.to <= after) break; // the rest has expired
      for (let seq = page.from; seq <= page.to && seq < low; seq++) found.push(this.entryAt(page, seq));
      after = page.to;
    }
    this.low = found[0]?.seq ?? Math.max(this.floor, low - olderCount, 1);
    this.entries = [...found.map((entry) => this.deduplicate(entry.seq!, entry)), ...this.entries];
    this.port.changed(this);
    return this.older;
  }
}

