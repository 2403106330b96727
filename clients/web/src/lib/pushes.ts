/**
 * Lets a session handle each push once (protocol §3): a push is fresh if its time is
 * near the service's and its number was not seen. A number is kept as long as its
 * time is near.
 */
import { integer, type Members, string } from "./json";

/** How far the time of a push may be from the service's time, in ms. */
export const pushWindow = 120_000;

/** Numbers that a session keeps. Only a faulty service sends so many within the window. */
const maxPushes = 4096;

export class Pushes {
  private readonly seen = new Map<string, number>();
  /** The service's time minus this computer's; absent until the service has told it. */
  private offset?: number;

  constructor(private readonly now = (): number => performance.now()) {}

  /** Records the service's time, as a welcome or a pong tells it. */
  anchor(at: number): void {
    this.offset = at - this.now();
  }

  /**
   * Returns whether a push is fresh, and remembers it. `late`: its time is far from
   * the service's. It is a replay, or this computer has slept.
   */
  take(frame: Members): "fresh" | "late" | "again" {
    const [n, at] = [string(frame, "n"), integer(frame, "at")];
    if (this.offset === undefined) return "late";
    const service = this.now() + this.offset;
    if (Math.abs(service - at) > pushWindow) return "late";
    if (n === "" || this.seen.has(n)) return "again";
    if (this.seen.size >= maxPushes) {
      for (const [old, then] of this.seen) if (service - then > pushWindow) this.seen.delete(old);
    }
    if (this.seen.size >= maxPushes) return "again";
    this.seen.set(n, at);
    return "fresh";
  }
}
