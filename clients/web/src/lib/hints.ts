/**
 * Hints: who is typing, and how far users have read (protocol §6). They are unsigned,
 * not stored and best effort. Each kind is sent at most every three seconds per room.
 */
import type { Request } from "./link";
import type { Mark } from "./marks";
import { isUserName } from "./names";
import type { Timing } from "./timing";

/** How far a mark may be ahead of the head: it may come before its message. */
const maxAhead = 100;

export interface HintPort {
  timing: Timing;
  user: string;
  send(frame: Request): void;
  online(): boolean;
  /** The user's own current mark in a room. */
  own(room: string): Mark;
  /** The last seq known to exist. */
  head(room: string): number;
  typing(room: string, users: string[]): void;
  /** Another user has a mark in the room, which is not above its head. */
  marked(room: string, user: string, mark: Mark): void;
}

interface RoomHints {
  typedAt: number;
  typers: Map<string, ReturnType<typeof setTimeout>>;
  /** The last mark of each other user that came before its message. */
  early: Map<string, Mark>;
  /** Other users seen on this connection. */
  seen: Set<string>;
  sent?: Mark;
  timer?: ReturnType<typeof setTimeout>;
  /** The others were asked for their marks on this connection. */
  asked: boolean;
  /** Runs for half a minute after an answer to others who asked. */
  answered?: ReturnType<typeof setTimeout>;
  /** Others have asked meanwhile. */
  owed: boolean;
}

export class Hints {
  private readonly rooms = new Map<string, RoomHints>();

  constructor(private readonly port: HintPort) {}

  private room(name: string): RoomHints {
    let room = this.rooms.get(name);
    if (!room) this.rooms.set(name, (room = { typedAt: 0, typers: new Map(), early: new Map(), seen: new Set(), asked: false, owed: false }));
    return room;
  }

  /** The user is typing. */
  type(name: string): void {
    const room = this.room(name);
    if (!this.port.online() || Date.now() - room.typedAt < this.port.timing.hint) return;
    room.typedAt = Date.now();
    this.port.send({ action: "typing", room: name });
  }

  /** The user's own mark may have changed. It is sent now, or three seconds after the last one. */
  mark(name: string): void {
    const room = this.room(name);
    if (room.timer === undefined) this.sendMark(name, room);
  }

  private sendMark(name: string, room: RoomHints): void {
    const mark = this.port.own(name);
    const changed = mark.delivered > 0 && (mark.delivered !== room.sent?.delivered || mark.read !== room.sent.read);
    if (!changed || !this.port.online()) return;
    room.sent = mark;
    this.port.send({ action: "mark", room: name, ...mark });
    room.timer = setTimeout(() => {
      delete room.timer;
      this.sendMark(name, room);
    }, this.port.timing.hint);
  }

  /**
   * Asks the others in the room for their marks, once on each connection: this page
   * was reloaded or was not connected, so it may have missed some. A mark of 0 asks.
   */
  ask(name: string): void {
    const room = this.room(name);
    if (room.asked || !this.port.online()) return;
    room.asked = true;
    this.port.send({ action: "mark", room: name, delivered: 0, read: 0 });
  }

  /** Repeats the own mark for users who asked for it, at most twice a minute. */
  private answer(name: string): void {
    const room = this.room(name);
    room.owed = room.answered !== undefined;
    if (room.owed) return;
    delete room.sent;
    this.mark(name);
    room.answered = setTimeout(() => {
      delete room.answered;
      if (room.owed) this.answer(name);
    }, this.port.timing.answer);
  }

  /** Users were seen in a room. If one is new, the own mark is sent again. */
  noticed(name: string, users: readonly string[]): void {
    const room = this.room(name);
    const fresh = users.filter((user) => user !== this.port.user && !room.seen.has(user));
    for (const user of fresh) room.seen.add(user);
    if (fresh.length === 0) return;
    delete room.sent;
    this.mark(name);
  }

  /** Another user is typing. */
  typed(name: string, user: string): void {
    if (user === this.port.user) return;
    this.noticed(name, [user]);
    const { typers } = this.room(name);
    clearTimeout(typers.get(user));
    typers.set(user, setTimeout(() => this.stopTyping(name, user), this.port.timing.typing));
    this.port.typing(name, [...typers.keys()]);
  }

  /** A user has stopped typing, or sent the message. */
  stopTyping(name: string, user: string): void {
    const { typers } = this.room(name);
    if (!typers.has(user)) return;
    clearTimeout(typers.get(user));
    typers.delete(user);
    this.port.typing(name, [...typers.keys()]);
  }

  /** Handles a mark of another user, or of another device of this one. */
  marked(name: string, user: string, mark: Mark): void {
    if (mark.read < 0 || mark.read > mark.delivered || !isUserName(user)) return;
    if (mark.delivered === 0) this.answer(name);
    if (user === this.port.user) return;
    this.noticed(name, [user]);
    if (mark.delivered === 0) return;
    // A forged mark far above the head would count for all future messages.
    const head = this.port.head(name);
    const clipped = mark.delivered > head + maxAhead ? { delivered: head, read: Math.min(mark.read, head) } : mark;
    this.room(name).early.set(user, clipped);
    this.settle(name);
  }

  /** Passes on the marks whose messages are known to exist by now. */
  settle(name: string): void {
    const { early } = this.room(name);
    for (const [user, mark] of early) {
      if (mark.delivered > this.port.head(name)) continue;
      early.delete(user);
      this.port.marked(name, user, mark);
    }
  }

  /** There is a new connection: no user was seen on it, and the own marks were not sent. */
  reconnected(): void {
    for (const [name, room] of this.rooms) {
      room.seen.clear();
      room.asked = false;
      delete room.sent;
      this.mark(name);
    }
  }

  /** The user has left the room, or it has a new log. */
  forget(name: string): void {
    const room = this.rooms.get(name);
    clearTimeout(room?.timer);
    clearTimeout(room?.answered);
    for (const timer of room?.typers.values() ?? []) clearTimeout(timer);
    this.rooms.delete(name);
  }

  stop(): void {
    for (const name of [...this.rooms.keys()]) this.forget(name);
  }
}
