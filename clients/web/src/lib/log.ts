/** One room's messages in order, each exactly once (protocol §6). */
import type { Entry } from "./api";
import type { Opened, Page } from "./device";
import { SottoError } from "./errors";
import { integer, type Members, string } from "./json";
import { maxPage } from "./names";
import type { RoomState } from "./profile";
import { delay, sleep, type Timing } from "./timing";

/** What a log needs of the chat around it. */
export interface LogPort {
  timing: Timing;
  /** Opens a message frame; throws where it does not hold. */
  open(frame: Members): Promise<Opened>;
  /** Asks for a page behind `after`. Error: offline, among others. */
  history(room: string, after: number, limit: number): Promise<Page>;
  /** The generation of the device's newest confirmed key. */
  keyGen(): number;
  entry(opened: Opened): Entry;
  /** Something came behind what was there; `live` if just now. */
  appended(log: RoomLog, entry: Entry, live: boolean): void;
  /** The log has another epoch: nothing of the old one counts any more. */
  restarted(log: RoomLog): void;
  /** Head, floor or entries have changed. */
  changed(log: RoomLog): void;
}

/** How often history is asked for a message that it does not give; after that its place counts as seen. */
const maxFruitless = 5;

/** Messages that `loadOlder` brings. */
const olderCount = 40;

/** Messages missed that are read through: ten pages. What is more is loaded when somebody looks. */
const maxMissed = 1000;

/** What is held of one room. Below that, the history has it. */
const maxEntries = 5000;

/** Frames held back behind a gap; what comes on top is read from the history. */
const maxPending = 256;

export class RoomLog {
  readonly room: string;
  epoch: string;
  head: number;
  floor: number;
  /** The last seq that is in `entries`, or known to be nowhere. */
  last: number;
  /** The first seq from which on `entries` is complete. */
  low: number;
  /** From `low` to `last`, without what has expired. */
  entries: Entry[] = [];

  /** Of `entries`. */
  private readonly keys = new Set<string>();
  private readonly retired = new Set<string>();
  private readonly pending = new Map<number, Members>();
  private pumping = false;
  private wake = (): void => {};
  private fruitless = 0;
  private loading: Promise<boolean> | null = null;
  private wanted = false;
  private stopped = false;

  /** A log begins at its head: what is older is loaded when somebody looks. */
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

  /** Takes note of where the log stands; floor 0 is not known. */
  observe(epoch: string, head: number, floor: number): void {
    if (!this.enter(epoch, head)) return;
    const before = this.head;
    this.head = Math.max(this.head, head);
    this.floor = Math.max(this.floor, floor);
    if (this.head !== before) this.port.changed(this);
    void this.pump();
  }

  /**
   * Goes on where the service now stands. What was missed is read in order; if
   * that is too much to be read through, or dates from before this page
   * (`stale`), the log begins at its head.
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

  /** Takes a message frame. */
  deliver(frame: Members): void {
    const [epoch, seq] = [string(frame, "epoch"), integer(frame, "seq")];
    if (!this.enter(epoch, seq - 1) || seq <= this.last) return;
    if (this.pending.size < maxPending) this.pending.set(seq, frame);
    this.wake();
    this.observe(epoch, seq, 0);
  }

  /** A message is known to be at a place: an acknowledgement says so. */
  expect(epoch: string, seq: number): void {
    if (this.enter(epoch, seq - 1)) this.observe(epoch, seq, 0);
  }

  /** Loads messages above those that are there; whether there are more. */
  loadOlder(): Promise<boolean> {
    this.wanted = true;
    this.loading ??= this.readOlder().finally(() => (this.loading = null));
    return this.loading;
  }

  /** Goes over to another epoch, where the log starts anew and had come to `head`. False for an epoch that is over. */
  private enter(epoch: string, head: number): boolean {
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

  /** Loads the latest messages again, if somebody has looked at them. */
  private reload(): void {
    if (!this.wanted) return;
    const before = this.loading ?? Promise.resolve();
    void before.catch(() => undefined).then(() => this.loadOlder().catch(() => undefined));
  }

  /** Works off what has come and asks for what is missing. One runs at a time. */
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
          // An overtaken message gets a moment to arrive. Where nothing came
          // after it, none is on its way.
          if (this.pending.size > 0) await this.settle();
        }
      }
    } catch {
      // No connection, or the service will not: the next welcome, message or
      // ping starts this anew.
    } finally {
      this.pumping = false;
    }
  }

  /** There is nothing to wait for below the floor. */
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
    else await this.fill(); // the history seals it anew, to the newest key
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

  /** Reads one page behind the last message. */
  private async fill(): Promise<void> {
    const { epoch, last } = this;
    const gen = this.port.keyGen();
    const page = await this.port.history(this.room, last, maxPage);
    this.observe(page.epoch, page.head, page.floor);
    // A page of another log lies behind a seq of the old one: ask again.
    if (this.epoch !== epoch) return;
    if (page.epoch !== epoch || this.last !== last) return sleep(delay(this.port.timing.retry, 0));
    this.skipExpired();
    // Rotations have overtaken a page that does not open: it comes again.
    if (page.items === null && this.port.keyGen() !== gen) return;
    for (let seq = page.from; seq <= page.to; seq++) {
      if (seq === this.last + 1) this.append(seq, this.entryAt(page, seq), false);
    }
    if (this.last > last) this.fruitless = 0;
    else if (++this.fruitless < maxFruitless) await sleep(delay(this.port.timing.retry, this.fruitless));
    else {
      // It goes by what the history says: the message is there and withheld,
      // or it never was.
      this.fruitless = 0;
      if (page.head > this.last) this.append(this.last + 1, this.gap(this.last + 1, "The service does not give this message out."), false);
      else {
        this.head = page.head;
        this.pending.clear();
      }
    }
  }

  private append(seq: number, opened: Entry, live: boolean): void {
    const entry = this.once(seq, opened);
    this.last = seq;
    this.fruitless = 0;
    this.entries.push(entry);
    if (this.entries.length > maxEntries) {
      for (const { key } of this.entries.splice(0, maxEntries / 2)) this.keys.delete(key);
      this.low = this.entries[0]!.seq!;
    }
    this.port.appended(this, entry, live);
    this.port.changed(this);
  }

  /** A signature holds for a room and an id, not for a place: a second place for one message is a repeat by the service. */
  private once(seq: number, entry: Entry): Entry {
    if (this.keys.has(entry.key)) return this.gap(seq, "The service gives out an earlier message a second time here.");
    this.keys.add(entry.key);
    return entry;
  }

  private entryAt(page: Page, seq: number): Entry {
    const opened = page.items?.[seq - page.from];
    return opened ? this.port.entry(opened) : this.gap(seq, "This message could not be opened, or its signature does not hold.");
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
      if (page.to <= after) break; // all that is left has expired
      for (let seq = page.from; seq <= page.to && seq < low; seq++) found.push(this.entryAt(page, seq));
      after = page.to;
    }
    this.low = found[0]?.seq ?? Math.max(this.floor, low - olderCount, 1);
    this.entries = [...found.map((entry) => this.once(entry.seq!, entry)), ...this.entries];
    this.port.changed(this);
    return this.older;
  }
}

