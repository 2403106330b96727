/**
 * The last seqs that other users have received and read in each room (protocol §6),
 * stored in the browser. A new log of a room has none.
 */
import type { Store } from "./store";

export interface Mark {
  delivered: number;
  read: number;
}

interface RoomMarks {
  room: string;
  epoch: string;
  users: Map<string, Mark>;
}

/** Users of a room whose marks are kept. The service sends marks only in rooms of up to a hundred connections. */
const maxUsers = 1000;

const none: ReadonlyMap<string, Mark> = new Map();

export class Marks {
  private readonly rooms = new Map<string, RoomMarks>();
  private readonly unsaved = new Set<string>();
  private saving = false;

  constructor(
    private readonly store: Store,
    private readonly key: readonly string[],
  ) {}

  async load(): Promise<void> {
    for (const marks of await this.store.list<RoomMarks>(this.key)) this.rooms.set(marks.room, marks);
  }

  /** The marks of other users for one log of a room. */
  of(room: string, epoch: string): ReadonlyMap<string, Mark> {
    const marks = this.rooms.get(room);
    return marks?.epoch === epoch ? marks.users : none;
  }

  /** Keeps the highest mark of a user. Returns whether it is higher than before. */
  raise(room: string, epoch: string, user: string, mark: Mark): boolean {
    const before = this.of(room, epoch);
    const old = before.get(user);
    if (old ? mark.delivered <= old.delivered && mark.read <= old.read : before.size >= maxUsers) return false;
    this.rooms.set(room, { room, epoch, users: new Map(before).set(user, highest(mark, old)) });
    void this.save(room);
    return true;
  }

  /** The user has left the room, or it has a new log. */
  forget(room: string): void {
    if (this.rooms.delete(room)) void this.save(room);
  }

  /** Stores a room. Changes that come meanwhile are stored together afterwards. */
  private async save(room: string): Promise<void> {
    this.unsaved.add(room);
    if (this.saving) return;
    this.saving = true;
    for (const name of this.unsaved) {
      this.unsaved.delete(name);
      const stored = this.store.update<RoomMarks>([...this.key, name], (old) => merged(this.rooms.get(name), old));
      await stored.catch(() => undefined);
    }
    this.saving = false;
  }
}

/** Another tab may have stored higher marks. */
function merged(marks: RoomMarks | undefined, old: RoomMarks | undefined): RoomMarks | undefined {
  if (!marks || marks.epoch !== old?.epoch) return marks;
  const users = new Map(old.users);
  for (const [user, mark] of marks.users) users.set(user, highest(mark, users.get(user)));
  return { ...marks, users };
}

const highest = (a: Mark, b: Mark = a): Mark => ({
  delivered: Math.max(a.delivered, b.delivered),
  read: Math.max(a.read, b.read),
});
