/**
 * Hints: who is typing, and how far users have read (protocol §6). They are unsigned,
 * not stored and best effort. Each kind is sent at most every three seconds per room.
 */
import type { Request } from "./link";
import type { Timing } from "./timing";

export interface Mark {
  delivered: number;
  read: number;
}

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
  marked(room: string): void;
}

interface RoomHints {
  typedAt: number;
  typers: Map<string, ReturnType<typeof setTimeout>>;
  /** The highest mark of each other user. */
  marks: Map<string, Mark>;
  /** Other users seen on this connection. */
  seen: Set<string>;
  sent?: Mark;
  timer?: ReturnType<typeof setTimeout>;
}

export class Hints {
  private readonly rooms = new Map<string, RoomHints>();

  constructor(private readonly port: HintPort) {}

  private room(name: string): RoomHints {
    let room = this.rooms.get(name);
    if (!room) this.rooms.set(name, (room = { typedAt: 0, typers: new Map(), marks: new Map(), seen: new Set() }));
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

  /** Handles a mark of another user. */
  marked(name: string, user: string, mark: Mark): void {
    // Refuse a mark above the head: a forged one would count for future messages.
    const valid = mark.read >= 0 && mark.read <= mark.delivered && mark.delivered <= this.port.head(name);
    if (user === this.port.user || !valid) return;
    const { marks } = this.room(name);
    const old = marks.get(user);
    marks.set(user, { delivered: Math.max(mark.delivered, old?.delivered ?? 0), read: Math.max(mark.read, old?.read ?? 0) });
    this.noticed(name, [user]);
    this.port.marked(name);
  }

  /** The marks of other users. */
  marks(name: string): Record<string, Mark> {
    return Object.fromEntries(this.room(name).marks);
  }

  /** There is a new connection: no user was seen on it, and the own marks were not sent. */
  reconnected(): void {
    for (const [name, room] of this.rooms) {
      room.seen.clear();
      delete room.sent;
      this.mark(name);
    }
  }

  /** The user has left the room, or it has a new log. */
  forget(name: string): void {
    const room = this.rooms.get(name);
    clearTimeout(room?.timer);
    for (const timer of room?.typers.values() ?? []) clearTimeout(timer);
    this.rooms.delete(name);
  }

  stop(): void {
    for (const name of [...this.rooms.keys()]) this.forget(name);
  }
}
