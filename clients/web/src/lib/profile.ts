/** The keys of one user at one deployment, and the pinned values of that deployment. */
import type { Profile as Listed } from "./api";
import type { Opener, Signer } from "./envelope";
import { SottoError } from "./errors";
import { publicJWK } from "./jwk";
import type { Store } from "./store";

/** An encryption key of the device. `confirmed`: the service has sealed to it. */
export interface Pair extends Opener {
  readonly gen: number;
  readonly jwk: string;
  readonly confirmed: boolean;
}

/** The state of a room's log at the service. */
export interface RoomState {
  room: string;
  epoch: string;
  head: number;
  floor: number;
}

interface Keys {
  readonly address: string;
  readonly user: string;
  readonly signer: Signer;
  /** The newest last. Older ones open what was sealed before a rotation. */
  readonly pairs: readonly Pair[];
  readonly lastUsed: number;
  /** The rooms of the last welcome; absent until the service has accepted this device. */
  readonly rooms?: readonly RoomState[];
}

/** The values pinned at the first use of a deployment. */
export interface Trust {
  readonly audience?: string;
  readonly serviceKey?: string;
  readonly gen: number;
}

/** How many encryption keys are kept: the newest, and two for messages sealed before rotations. */
const keptPairs = 3;

export class Profile {
  /** The store has other keys of the user. */
  private replaced = false;
  /** The pinned values, for when the store loses them. */
  private pinned: Trust = { gen: 0 };

  private constructor(
    private readonly store: Store,
    readonly address: string,
    private keys: Keys,
    /** Whether the store has had the keys. If not, they are in memory until it takes them. */
    private kept: boolean,
  ) {}

  /** Reads the user's keys, or generates them at first use. Error: unsupported. */
  static async load(store: Store, address: string, user: string): Promise<Profile> {
    const key = ["keys", address, user];
    const found = await store.get<Keys>(key);
    if (found) return new Profile(store, address, found, store.persistent);
    const made = await generate(address, user);
    // Another tab may have been faster; use the stored keys.
    const first = (old: Keys | undefined): Keys => old ?? made;
    try {
      return new Profile(store, address, (await store.update(key, first, true))!, store.persistent);
    } catch {
      return new Profile(store, address, (await store.update(key, first).catch(() => made))!, false);
    }
  }

  /** Whether the keys outlive the page. */
  get stored(): boolean {
    this.kept ||= !this.replaced && this.store.persistent;
    return this.kept;
  }

  get user(): string {
    return this.keys.user;
  }

  get signer(): Signer {
    return this.keys.signer;
  }

  get newest(): Pair {
    return this.keys.pairs.at(-1)!;
  }

  /** The generation of the newest key that the service has confirmed. */
  get gen(): number {
    return this.keys.pairs.findLast((pair) => pair.confirmed)?.gen ?? 0;
  }

  get rooms(): readonly RoomState[] | undefined {
    return this.keys.rooms;
  }

  find(kid: string): Pair | undefined {
    return this.keys.pairs.find((pair) => pair.kid === kid);
  }

  /**
   * Reads the keys again: another tab may have rotated them. If the store
   * fails, the keys stay as they are.
   */
  async reload(): Promise<void> {
    const stored = await this.store.get<Keys>(["keys", this.address, this.user]).catch(() => undefined);
    if (stored && this.isThis(stored)) this.keys = stored;
  }

  /** Stores the next encryption key, unless there is one, before it is sent to the service. */
  async prepareRotation(): Promise<Pair> {
    const made = await generatePair(this.newest.gen + 1);
    await this.change((keys) => {
      const newest = keys.pairs.at(-1)!;
      return newest.confirmed && newest.gen < made.gen ? { ...keys, pairs: [...keys.pairs, made].slice(-keptPairs) } : keys;
    }, true);
    return this.newest;
  }

  /** Records that the service has a key, because it sealed to it. */
  async confirm(kid: string): Promise<void> {
    if (this.find(kid)?.confirmed) return;
    await this.change((keys) => ({ ...keys, pairs: keys.pairs.map((pair) => (pair.kid === kid ? { ...pair, confirmed: true } : pair)) }));
  }

  async welcomed(rooms: readonly RoomState[]): Promise<void> {
    await this.change((keys) => ({ ...keys, rooms, lastUsed: Date.now() }));
  }

  /**
   * If the store fails, the keys change only in memory. If it had the keys, and must
   * have the change too (`must`), it throws instead. Error: storage.
   */
  private async change(how: (keys: Keys) => Keys, must = false): Promise<void> {
    const key = ["keys", this.address, this.user];
    const before = this.keys;
    // The store may have become empty, or have the keys of another sign-up by now.
    const here = (old: Keys | undefined): Keys => (old && !this.isThis(old) ? old : how(old ?? before));
    try {
      const stored = (await this.store.update<Keys>(key, here, must && this.stored))!;
      this.replaced = !this.isThis(stored);
      if (this.replaced) this.kept = false;
      this.keys = this.replaced ? how(this.keys) : stored;
    } catch {
      if (must && this.kept) throw new SottoError("storage");
      this.keys = how(this.keys);
    }
  }

  private isThis(keys: Keys): boolean {
    return keys.signer.kid === this.signer.kid;
  }

  async trust(): Promise<Trust> {
    return (await this.store.get<Trust>(["trust", this.address]).catch(() => undefined)) ?? this.pinned;
  }

  /**
   * Changes the pinned values; `how` throws to refuse. If the store fails or has lost
   * them, those in memory hold.
   */
  async updateTrust(how: (trust: Trust) => Trust): Promise<void> {
    const before = this.pinned;
    let refusal: unknown;
    const change = (old: Trust | undefined): Trust => {
      try {
        return (this.pinned = how(old ?? before));
      } catch (error) {
        refusal = error;
        throw error;
      }
    };
    try {
      await this.store.update<Trust>(["trust", this.address], change);
    } catch {
      if (refusal !== undefined) throw refusal;
      change(before);
    }
  }
}

/** The stored users of a deployment, the last used first. */
export async function listProfiles(store: Store, address: string): Promise<Listed[]> {
  const all = await store.list<Keys>(["keys", address]);
  return all
    .filter((keys) => keys.rooms)
    .map((keys) => ({ address, user: keys.user, device: keys.signer.kid, lastUsed: keys.lastUsed }))
    .sort((a, b) => b.lastUsed - a.lastUsed);
}

/** Deletes everything of a user at a deployment. Error: storage. */
export async function forgetUser(store: Store, address: string, user: string): Promise<void> {
  await store.update(["keys", address, user], () => undefined, true);
  for (const kind of ["contacts", "reads"]) await store.update([kind, address, user], () => undefined, true);
  for (const kind of ["marks", "outbox", "drafts"]) await store.clear([kind, address, user]);
}

/**
 * Deletes the user's keys, so that new ones are generated, and keeps the known
 * devices of contacts, read positions and unsent messages. Error: storage.
 */
export async function forgetKeys(store: Store, address: string, user: string): Promise<void> {
  await store.update(["keys", address, user], () => undefined, true);
}

/** Accepts an older key set of the pinned service key. Error: storage. */
export async function forgetGeneration(store: Store, address: string): Promise<void> {
  await store.update<Trust>(["trust", address], (trust) => trust && { ...trust, gen: 0 }, true);
}

/** Deletes everything of a deployment. Error: storage. */
export async function forgetDeployment(store: Store, address: string): Promise<void> {
  for (const kind of ["keys", "contacts", "reads", "marks", "outbox", "drafts"]) await store.clear([kind, address]);
  await store.update(["trust", address], () => undefined, true);
}

async function generate(address: string, user: string): Promise<Keys> {
  try {
    const [signing, pair] = await Promise.all([
      crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]) as Promise<CryptoKeyPair>,
      generatePair(1),
    ]);
    const signer: Signer = { ...(await named(signing.publicKey)), privateKey: signing.privateKey };
    return { address, user, signer, pairs: [pair], lastUsed: Date.now() };
  } catch {
    throw new SottoError("unsupported");
  }
}

async function generatePair(gen: number): Promise<Pair> {
  const how = { name: "RSA-OAEP", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const pair = await crypto.subtle.generateKey(how, false, ["encrypt", "decrypt"]);
  return { ...(await named(pair.publicKey)), gen, size: 256, privateKey: pair.privateKey, confirmed: false };
}

async function named(key: CryptoKey): Promise<{ kid: string; jwk: string }> {
  const { kid, jwk } = await publicJWK(key);
  return { kid, jwk };
}
