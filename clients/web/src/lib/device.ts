/**
 * What a user's device computes in protocol v2: it proves its identity, seals texts
 * to the service, opens what the service seals to it, and pins the keys of the
 * service and of other devices at first use. Its inputs and outputs are tokens and
 * frames; it uses no connection.
 */
import { isLoopback } from "./address";
import { decode64, random } from "./bytes";
import type { Change, Role } from "./api";
import { type Operation, readOperationClaims, readRooms, type RoomsAnswer } from "./closed";
import type { Contacts } from "./contacts";
import { open, parseSealed, parseSigned, type SealedType, seal, sign, type SignedType, verify } from "./envelope";
import { SottoError } from "./errors";
import { integer, isObject, list, type Members, parseClaims, parseObject, string } from "./json";
import { type SealKey, sealKey, type VerifyKey, verifyKey } from "./jwk";
import { deriveMACKeys, type MACKeys } from "./mac";
import { isRoom, maxPage, messageClaims, readMessageClaims, version } from "./names";
import type { Profile, RoomState } from "./profile";

/** A key set that was verified against the pinned values. */
export interface KeySet {
  audience: string;
  serviceKey: string;
  gen: number;
  /** Messages are sealed to it. */
  newest: SealKey;
  /** The secrets of sessions are sealed to it. */
  session: SealKey;
}

/** The claims of an operation that its maker chooses. */
export interface OperationClaims {
  room: string;
  op: Change["op"];
  name?: string;
  history?: "joined" | "all";
  user?: string;
  role?: Role;
}

/** A message that was opened and verified. */
export interface Opened {
  room: string;
  epoch: string;
  seq: number;
  id: string;
  from: string;
  device: string;
  body: string;
  /** Set if it is an operation on a closed room; the body is empty then. */
  operation?: Operation;
  storedAt: number;
  /** Thumbprint of the server key that the sender sealed to. */
  skid: string;
  /** Thumbprint of the device's key that opened it. */
  kid: string;
  newDevice: boolean;
}

/** A page of history: one item for every seq, null if the message cannot be shown. */
export interface Page {
  epoch: string;
  from: number;
  to: number;
  head: number;
  floor: number;
  /** Null if the page as a whole cannot be opened. */
  items: readonly (Opened | null)[] | null;
}

/**
 * Lifetime of a link token in seconds. The service accepts ten minutes, and its
 * clock may be a minute behind.
 */
const linkLifetime = 9 * 60;

export class Device {
  private readonly verifyKeys = new Map<string, VerifyKey>();

  constructor(
    readonly profile: Profile,
    readonly contacts: Contacts,
  ) {}

  get user(): string {
    return this.profile.user;
  }

  get id(): string {
    return this.profile.signer.kid;
  }

  /**
   * Verifies a key set (protocol §3). It pins signer and audience at the first use
   * of the deployment and stores the highest generation.
   * Errors: service_key_changed, version_unsupported, wrong_audience, key_set_older,
   * key_set_expired, protocol.
   */
  async acceptKeySet(token: string): Promise<KeySet> {
    const set = await orProtocol(async () => {
      const signed = await parseSigned(token, "sotto-keys+jwt");
      const source = await verify(signed, signed.key!);
      const ours = parseObject(source).v === version;
      const claims = ours ? parseClaims(source, "v", "aud", "gen", "exp", "keys", "session") : parseObject(source);
      const newest = await sealKey(list(claims, "keys")[0]);
      const session = ours ? await sealKey(claims.session) : newest;
      const checked = { ours, audience: string(claims, "aud"), serviceKey: signed.kid, gen: integer(claims, "gen"), newest, session, exp: integer(claims, "exp") };
      if (checked.audience === "" || checked.gen < 1) throw new SottoError("protocol");
      return checked;
    });
    await this.profile.updateTrust((trust) => {
      // On a loopback address any audience is allowed: no attacker answers there,
      // and the end of a tunnel differs from the service's own address.
      const audienceAllowed = set.audience === this.profile.address || isLoopback(this.profile.address);
      if (trust.serviceKey !== undefined && trust.serviceKey !== set.serviceKey) throw new SottoError("service_key_changed");
      if (!set.ours) throw new SottoError("version_unsupported");
      if (trust.audience === undefined ? !audienceAllowed : trust.audience !== set.audience) throw new SottoError("wrong_audience");
      if (set.gen < trust.gen) throw new SottoError("key_set_older");
      if (set.exp * 1000 <= Date.now()) throw new SottoError("key_set_expired");
      return { audience: set.audience, serviceKey: set.serviceKey, gen: set.gen };
    });
    return set;
  }

  /**
   * Pins the service key before the first use. Error: service_key_changed if
   * another one is pinned.
   */
  async trustServiceKey(thumbprint: string): Promise<void> {
    await this.profile.updateTrust((trust) => {
      if (trust.serviceKey !== undefined && trust.serviceKey !== thumbprint) throw new SottoError("service_key_changed");
      return { ...trust, serviceKey: thumbprint };
    });
  }

  private sign(typ: SignedType, claims: object, carry = false): Promise<string> {
    return sign(this.profile.signer, typ, JSON.stringify(claims), carry);
  }

  /**
   * Answers a challenge. It offers the newest encryption key, which completes
   * an interrupted rotation. The proof carries the secret of a session, from which
   * the keys of its frames follow.
   */
  async prove(nonce: string, keys: KeySet, link: string): Promise<{ proof: string; macKeys: MACKeys }> {
    const salt = await orProtocol(async () => decode64(nonce));
    if (salt.length !== 32) throw new SottoError("protocol");
    const { newest } = this.profile;
    const secret = random(32);
    const sk = await seal(keys.session, "sotto-session+jwe", secret);
    const claims = { v: version, sub: this.user, aud: keys.audience, nonce, skid: keys.newest.kid, enc: JSON.parse(newest.jwk), gen: newest.gen, sk };
    const proof = await this.sign("sotto-handshake+jwt", link ? { ...claims, link } : claims, true);
    return { proof, macKeys: await deriveMACKeys(secret, salt, proof) };
  }

  /** Opens the answer to a proof made for `nonce`. */
  async openWelcome(jwe: string, nonce: string): Promise<{ sid: string; rooms: RoomState[]; at: number }> {
    const { m, kid } = await this.open(jwe, "sotto-welcome+jwe");
    const welcome = await orProtocol(async () => {
      const ours = m.v === version && m.nonce === nonce && m.user === this.user && m.device === this.id;
      if (!ours || !string(m, "sid")) throw new SottoError("protocol");
      return { sid: string(m, "sid"), rooms: list(m, "rooms").map(readRoom), at: integer(m, "at") };
    });
    await this.profile.confirm(kid);
    await this.profile.welcomed(welcome.rooms);
    return welcome;
  }

  /**
   * Records that the service accepted this device by a link. The signing device
   * belongs to the same user.
   */
  async linked(link: string): Promise<void> {
    const { kid } = await orProtocol(() => parseSigned(link, "sotto-link+jwt"));
    await this.contacts.trust(this.user, kid);
  }

  /** Returns the `jwe` of a sendMessage frame for one session. Error: frame_too_large. */
  async sealMessage(sid: string, keys: KeySet, room: string, id: string, body: string): Promise<string> {
    const claims = messageClaims({ sid, sub: this.user, skid: keys.newest.kid, room, id, body });
    // Only the size limit of a token can fail here.
    const token = await sign(this.profile.signer, "sotto-message+jwt", claims).catch(() => {
      throw new SottoError("frame_too_large");
    });
    return seal(keys.newest, "sotto-send+jwe", token);
  }

  /** Returns the `jwe` of a sendMessage frame with an operation on a closed room. */
  async sealOperation(sid: string, keys: KeySet, id: string, op: OperationClaims): Promise<string> {
    const claims = { v: version, sid, sub: this.user, skid: keys.newest.kid, id, at: Date.now(), ...op };
    return seal(keys.newest, "sotto-send+jwe", await this.sign("sotto-room+jwt", claims));
  }

  /** Opens the answer to rooms. */
  async openRooms(jwe: unknown): Promise<RoomsAnswer> {
    const { m } = await this.open(String(jwe), "sotto-rooms+jwe");
    return orProtocol(async () => readRooms(m));
  }

  /** The `proof` of a rotateKey frame for the newest key. */
  proveRotation(sid: string): Promise<string> {
    const { newest } = this.profile;
    return this.sign("sotto-rotate+jwt", { sid, enc: JSON.parse(newest.jwk), gen: newest.gen });
  }

  /**
   * Opens the answer to a rotation, makes the new key the current one and
   * returns its generation.
   */
  async openRotated(frame: Members, sid: string): Promise<number> {
    const { m, kid } = await this.open(String(frame.jwe), "sotto-rotated+jwe");
    const { newest } = this.profile;
    const gen = await orProtocol(async () => integer(m, "gen"));
    const stale = gen < newest.gen || (gen === newest.gen && kid !== newest.kid);
    if (gen !== frame.gen || m.sid !== sid || stale) throw new SottoError("protocol");
    await this.profile.confirm(kid);
    return gen;
  }

  /** Links another device of the user. Only that device can use the token, so it is not secret. */
  async link(other: string, audience: string): Promise<{ token: string; expires: number }> {
    const exp = Math.floor(Date.now() / 1000) + linkLifetime;
    const token = await this.sign("sotto-link+jwt", { sub: this.user, aud: audience, dev: other, exp });
    await this.contacts.trust(this.user, other);
    return { token, expires: exp * 1000 };
  }

  /** The `proof` of a revokeDevice frame. */
  proveRevocation(sid: string, other: string): Promise<string> {
    return this.sign("sotto-revoke+jwt", { sid, dev: other });
  }

  /** Opens a message frame and verifies it as protocol §6 requires. */
  async openMessage(frame: Members): Promise<Opened> {
    const { m, kid } = await this.open(String(frame.jwe), "sotto-message+jwe");
    if (m.room !== frame.room || m.epoch !== frame.epoch || m.seq !== frame.seq) throw new SottoError("protocol");
    return orProtocol(() => this.verifyMessage(m, kid));
  }

  /** Opens a history frame. A message that fails verification is null. */
  async openHistory(frame: Members, room: string): Promise<Page> {
    const page = await orProtocol(async () => ({
      epoch: string(frame, "epoch"),
      from: integer(frame, "from"),
      to: integer(frame, "to"),
      head: integer(frame, "head"),
      floor: integer(frame, "floor"),
    }));
    const count = page.to - page.from + 1;
    // A larger range would create too many placeholders.
    if (frame.room !== room || (count > 0 && page.from < 1) || count > maxPage) throw new SottoError("protocol");
    if (count <= 0) return { ...page, items: [] };
    try {
      const { m, kid } = await this.open(String(frame.jwe), "sotto-history+jwe");
      if (m.room !== room || m.epoch !== page.epoch) throw new SottoError("protocol");
      const bySeq = new Map(list(m, "messages").filter(isObject).map((each) => [each.seq, each]));
      const items: (Opened | null)[] = [];
      for (let seq = page.from; seq <= page.to; seq++) {
        const each = bySeq.get(seq);
        const here = each && each.room === room && each.epoch === page.epoch;
        items.push(here ? await this.verifyMessage(each, kid).catch(() => null) : null);
      }
      return { ...page, items };
    } catch {
      return { ...page, items: null };
    }
  }

  /** Opens a token sealed to this device and reads its plaintext. */
  private async open(token: string, typ: SealedType): Promise<{ m: Members; kid: string }> {
    return orProtocol(async () => {
      const sealed = parseSealed(token, typ);
      if (!this.profile.find(sealed.kid)) await this.profile.reload();
      const pair = this.profile.find(sealed.kid);
      if (!pair) throw new SottoError("protocol");
      return { m: parseObject(await open(sealed, pair)), kid: sealed.kid };
    });
  }

  /**
   * Verifies an entry's signature with the key that comes with it. The key must be
   * that of the named device, and the signed room, sender and id those of the
   * entry.
   */
  private async verifyMessage(p: Members, kid: string): Promise<Opened> {
    const key = await this.verifyKey(p.jwk);
    const device = string(p, "device");
    const jws = string(p, "jws");
    const message = await parseSigned(jws, "sotto-message+jwt").catch(() => null);
    const payload = await verify(message ?? (await parseSigned(jws, "sotto-room+jwt")), key);
    const { claims, operation } = message ? { claims: readMessageClaims(payload), operation: undefined } : readOperationClaims(payload);
    const { sub: from, id, body, room, skid } = claims;
    if (key.kid !== device || from !== p.from || room !== p.room || id !== p.id) throw new SottoError("protocol");
    const storedAt = integer(p, "storedAt");
    const newDevice = await this.contacts.pinFromMessage(from, device, { id, at: storedAt });
    const opened = { room, epoch: string(p, "epoch"), seq: integer(p, "seq"), id, from, device, body, storedAt, skid, kid, newDevice };
    return operation ? { ...opened, operation } : opened;
  }

  /** Parses a sender's key. Each message has one, so the results are cached. */
  private async verifyKey(jwk: unknown): Promise<VerifyKey> {
    const spelling = JSON.stringify(jwk);
    const known = this.verifyKeys.get(spelling);
    if (known) return known;
    const key = await verifyKey(jwk);
    if (this.verifyKeys.size > 1000) this.verifyKeys.clear();
    this.verifyKeys.set(spelling, key);
    return key;
  }
}

export function readRoom(value: unknown): RoomState {
  if (!isObject(value) || !isRoom(string(value, "room"))) throw new SottoError("protocol");
  return { room: string(value, "room"), epoch: string(value, "epoch"), head: integer(value, "head"), floor: integer(value, "floor") };
}

/** Reads data of the service. Any error that is none of the library means that they are not valid. */
async function orProtocol<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof SottoError ? error : new SottoError("protocol");
  }
}
