/** The known devices of each user, pinned by this device (protocol §6). */
import type { Contact } from "./api";
import type { Store } from "./store";

interface Known {
  /** Unix ms of the first message. */
  since: number;
  /** Other devices of the user were known, and the user of this one has not accepted it. */
  fresh: boolean;
  /** Found in history from before the user was known: not fresh until it sends again. */
  past?: boolean;
  /** The id of the first message from the device, so that it is marked after a reload too. */
  first?: string;
}

interface Person {
  devices: Record<string, Known>;
  /** The devices for which the safety number was compared. */
  verified?: string;
}

type People = Record<string, Person>;

const unknown: Person = { devices: {} };

/** Pinned devices. Reads are from memory; changes are written through. */
export class Contacts {
  private people: People = {};
  private writing = 0;

  constructor(
    private readonly store: Store,
    private readonly key: readonly string[],
  ) {}

  async load(): Promise<void> {
    this.people = (await this.store.get<People>(this.key)) ?? {};
  }

  /** The user's devices, sorted by name. */
  devices(user: string): string[] {
    return Object.keys(this.person(user).devices).sort();
  }

  contact(user: string): Contact {
    const person = this.person(user);
    const devices = Object.entries(person.devices)
      .map(([device, { since, fresh }]) => ({ device, since, fresh }))
      .sort((a, b) => a.since - b.since);
    return { user, devices, verified: person.verified !== undefined && person.verified === this.devices(user).join() };
  }

  /**
   * Pins the device of a message to its sender. Returns whether the message is the
   * first one from a new device of a user with other known devices. A device found
   * in history from before the user was known is pinned without a warning. The
   * warning follows when the device sends again, because the service chooses what
   * the history shows.
   */
  async pinFromMessage(user: string, device: string, message: { id: string; at: number }): Promise<boolean> {
    const known = this.person(user).devices[device];
    if (known && !(known.past && message.at > this.met(user))) return known.fresh && known.first === message.id;
    const others = Object.keys(this.person(user).devices).some((other) => other !== device);
    const past = others && !known && message.at < this.met(user);
    const fresh = others && !past;
    await this.pin(user, device, { since: message.at, fresh, first: message.id, ...(past && { past }) });
    return fresh;
  }

  /** Pins a device that the user has linked. */
  async trust(user: string, device: string): Promise<void> {
    if (!this.person(user).devices[device]) await this.pin(user, device, { since: Date.now(), fresh: false });
  }

  async accept(user: string): Promise<void> {
    await this.change(user, (person) => ({
      ...person,
      devices: Object.fromEntries(Object.entries(person.devices).map(([device, known]) => [device, { ...known, fresh: false }])),
    }));
  }

  async setVerified(user: string, verified: boolean): Promise<void> {
    const now = this.devices(user).join();
    await this.change(user, ({ devices }) => (verified ? { devices, verified: now } : { devices }));
  }

  private person(user: string): Person {
    return Object.hasOwn(this.people, user) ? this.people[user]! : unknown;
  }

  /** When the user became known: the first message that was not from the past. */
  private met(user: string): number {
    const times = Object.values(this.person(user).devices).filter((known) => !known.past);
    return Math.min(...times.map((known) => known.since));
  }

  private pin(user: string, device: string, known: Known): Promise<void> {
    return this.change(user, (person) => ({ ...person, devices: { ...person.devices, [device]: known } }));
  }

  private async change(user: string, how: (person: Person) => Person): Promise<void> {
    const apply = (people: People): People => ({ ...people, [user]: how(Object.hasOwn(people, user) ? people[user]! : unknown) });
    this.people = apply(this.people); // at once, for the next message
    this.writing++;
    const stored = await this.store.update<People>(this.key, (old) => apply(old ?? this.people)).catch(() => undefined);
    // Another tab may have pinned more. The last write includes everything in memory.
    if (--this.writing === 0 && stored) this.people = stored;
  }
}
