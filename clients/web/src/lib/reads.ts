/** The last seq that the user has read in each room, stored in the browser. */
import type { Store } from "./store";

interface Read {
  epoch: string;
  seq: number;
}

export class Reads {
  private rooms: Record<string, Read> = {};

  constructor(
    private readonly store: Store,
    private readonly key: readonly string[],
  ) {}

  async load(): Promise<void> {
    this.rooms = (await this.store.get<Record<string, Read>>(this.key)) ?? {};
  }

  /** Starts to track a room or its new log. Messages up to its head count as read. */
  track(room: string, epoch: string, head: number): void {
    if (this.rooms[room]?.epoch !== epoch) this.put(room, { epoch, seq: head });
  }

  read(room: string): number {
    return this.rooms[room]?.seq ?? 0;
  }

  /** Returns whether `seq` is higher than before. */
  raise(room: string, epoch: string, seq: number): boolean {
    const read = this.rooms[room];
    if (!read || read.epoch !== epoch || seq <= read.seq) return false;
    this.put(room, { epoch, seq });
    return true;
  }

  /** The number of stored messages after the last one read, without the known own ones. */
  unread(room: string, head: number, floor: number, own: readonly number[]): number {
    const read = Math.max(this.read(room), floor - 1);
    return Math.max(0, head - read - own.filter((seq) => seq > read).length);
  }

  private put(room: string, read: Read): void {
    this.rooms = { ...this.rooms, [room]: read };
    void this.store
      .update<Record<string, Read>>(this.key, (old) => {
        const there = old?.[room];
        const ahead = there && there.epoch === read.epoch && there.seq > read.seq; // another tab's
        return ahead ? old : { ...old, [room]: read };
      })
      .catch(() => undefined);
  }
}
