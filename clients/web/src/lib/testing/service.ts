/**
 * A small service that speaks protocol v2 over a real WebSocket, for the tests of
 * this library, like clienttest for the Go client. Its cryptography is real, its
 * rooms are in memory, and a test can switch on faults. The behaviour of the real
 * service is tested against the real service.
 */
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { decode64, encode64, random } from "../bytes";
import { open, openBytes, parseSealed, parseSigned, type Opener, seal, sign, type SealedType, type Signer, verify } from "../envelope";
import { type Members, parseObject } from "../json";
import { authenticate, deriveMACKeys, isAuthentic, type MACKeys } from "../mac";
import { publicJWK, type SealKey, sealKey, type VerifyKey } from "../jwk";

/** The browser's WebSocket, for Node releases without one. */
globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket;

export interface Request extends Members {
  readonly action: string;
  readonly ref: string;
}

interface Device {
  key: VerifyKey;
  enc: SealKey;
  gen: number;
  revoked: boolean;
}

export interface Entry {
  seq: number;
  id: string;
  from: string;
  device: string;
  jwk: unknown;
  jws: string;
  room: string;
  epoch: string;
  storedAt: number;
}

interface Room {
  epoch: string;
  floor: number;
  log: Entry[];
}

interface Conn {
  ws: WebSocket;
  nonce: string;
  name: string;
  user: string;
  device: string;
  sid: string;
  /** From a proof that verifies on. */
  keys?: MACKeys;
  sending: Promise<void>;
}

type Frame = Record<string, unknown>;

export class Service {
  /** Faults: the code to refuse a request with, and the frames to send instead of one. */
  refuse: (user: string, request: Request) => string | null = () => null;
  answer: (user: string, frame: Frame) => Frame[] = (_, frame) => [frame];
  /** The same with the texts on the wire, as somebody who ends TLS can: after the MAC. */
  wire: (user: string, text: string) => string[] = (_, text) => [text];
  /** Changes a message before it is sealed to a recipient. */
  forge: (to: string, entry: Entry) => Entry = (_, entry) => entry;
  /** Changes the claims of key sets. */
  claims: Frame = {};

  readonly requests: { user: string; request: Request }[] = [];
  readonly rooms = new Map<string, Room>([["lobby", { epoch: "epoch-1", floor: 1, log: [] }]]);
  readonly members = new Map<string, Set<string>>([["lobby", new Set()]]);
  readonly devices = new Map<string, Map<string, Device>>();

  private readonly conns = new Set<Conn>();
  private sessionKey!: { opener: Opener; jwk: string };
  private servers: { opener: Opener; jwk: string }[] = [];
  private gen = 0;
  private port = 0;
  signer!: Signer;

  private constructor(private server: WebSocketServer) {}

  static async start(): Promise<Service> {
    const service = new Service(await listen(0));
    service.accept();
    await service.renew();
    await service.rotate();
    return service;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/local`;
  }

  /** Makes a new service key, as if the service was set up again. */
  async renew(): Promise<void> {
    const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
    this.signer = { ...(await publicJWK(pair.publicKey)), privateKey: pair.privateKey };
  }

  /** A new server key; `forget` takes the old ones away. */
  async rotate(forget = false): Promise<void> {
    this.sessionKey ??= await generate();
    this.servers = [await generate(), ...(forget ? [] : this.servers)];
    this.gen++;
  }

  keySet(): Promise<string> {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const keys = this.servers.map((server) => JSON.parse(server.jwk) as unknown);
    return sign(this.signer, "sotto-keys+jwt", JSON.stringify({ v: 2, aud: "sotto.example/local", gen: this.gen, exp, keys, session: JSON.parse(this.sessionKey.jwk), ...this.claims }), true);
  }

  /** Ends all connections. */
  drop(): void {
    for (const { ws } of this.conns) ws.terminate();
  }

  /** Stops the service; `resume` starts it at the same address. */
  async stop(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async resume(): Promise<void> {
    this.server = await listen(this.port);
    this.accept();
  }

  private accept(): void {
    this.port = (this.server.address() as AddressInfo).port;
    this.server.on("connection", (ws) => {
      const conn: Conn = { ws, nonce: "", name: "", user: "", device: "", sid: "", sending: Promise.resolve() };
      this.conns.add(conn);
      ws.on("close", () => this.conns.delete(conn));
      let queue = Promise.resolve();
      ws.on("message", (data) => (queue = queue.then(() => this.take(conn, String(data)))));
    });
  }

  private async take(conn: Conn, data: string): Promise<void> {
    const request = parseObject(data) as Request;
    if (conn.keys && request.action !== "handshake" && !(await isAuthentic(conn.keys.toService, data))) {
      return conn.ws.send('{"type":"error","code":"bad_mac","message":"x","retry":false}');
    }
    this.requests.push({ user: conn.user, request });
    const code = this.refuse(conn.user || String(request.user ?? conn.name), request);
    try {
      if (code && request.proof) await this.derive(conn, request.proof as string);
      if (code) throw new Error(code);
      if (!conn.sid && request.action !== "handshake") throw new Error("handshake_required");
      await this.handle(conn, request);
    } catch (error) {
      const refused = (error as Error).message;
      const retry = refused === "rate_limited" || refused === "try_again";
      const refusal: Frame = { type: "error", code: refused, message: "x", ref: request.ref, retry };
      if (refusal.code === "stale_server_key") refusal.keyset = await this.keySet();
      this.post(conn, refusal);
    }
  }

  post(conn: Conn, frame: Frame): void {
    const { keys } = conn;
    for (const each of this.answer(conn.user, frame)) {
      const plain = JSON.stringify(each);
      conn.sending = conn.sending.then(async () => {
        const text = keys && each.type ? await authenticate(keys.toClient, plain) : plain;
        for (const one of this.wire(conn.user, text)) conn.ws.send(one);
      });
    }
  }

  /** Sends texts on all connections of a user, as somebody who ends TLS can. */
  inject(user: string, ...wire: string[]): void {
    for (const conn of this.conns) if (conn.user === user) for (const text of wire) conn.ws.send(text);
  }

  /** A message frame without a MAC, as anybody can make it who knows the user's public key. */
  async sealed(to: string, entry: Entry): Promise<string> {
    const [device] = this.devices.get(to)!.values();
    const jwe = await seal(device!.enc, "sotto-message+jwe", JSON.stringify(entry));
    return JSON.stringify({ type: "message", room: entry.room, epoch: entry.epoch, seq: entry.seq, jwe });
  }

  /** Posts to all connections in a room but one. */
  deliver(room: string, frame: Frame, but?: Conn): void {
    for (const conn of this.conns) if (conn !== but && conn.sid && this.members.get(room)?.has(conn.user)) this.post(conn, { ...push(), ...frame });
  }

  private async handle(conn: Conn, r: Request): Promise<void> {
    const reply = (type: string, more: Frame): void => this.post(conn, { type, ref: r.ref, ...more });
    const name = r.room as string;
    const room = this.rooms.get(name)!;
    switch (r.action) {
      case "handshake":
        if (r.user) {
          conn.nonce = encode64(random(32));
          conn.name = r.user as string;
          return reply("challenge", { v: 2, nonce: conn.nonce, keyset: await this.keySet() });
        }
        return reply("welcome", { jwe: await this.prove(conn, r.proof as string) });
      case "sendMessage":
        return this.send(conn, r);
      case "history": {
        const page = room.log.filter((entry) => entry.seq > (r.after as number) && entry.seq >= room.floor).slice(0, Math.min(r.limit as number, 25));
        const [from, head] = [page[0]?.seq ?? (r.after as number) + 1, room.log.length];
        const messages = page.map((entry) => this.forge(conn.user, entry));
        const jwe = page.length > 0 && { jwe: await this.seal(conn, "sotto-history+jwe", { room: name, epoch: room.epoch, messages }) };
        return reply("history", { room: name, epoch: room.epoch, from, to: from + page.length - 1, head, floor: room.floor, more: false, ...jwe });
      }
      case "rooms":
        return reply("rooms", { jwe: await this.seal(conn, "sotto-rooms+jwe", { rooms: [], invitations: [] }) });
      case "createRoom":
        if (room) throw new Error("room_taken");
        this.rooms.set(name, { epoch: "e", floor: 1, log: [] });
        this.members.set(name, new Set());
        return reply("created", { room: name });
      case "joinRoom":
        if (!room) throw new Error("room_invalid");
        this.members.get(name)!.add(conn.user);
        return reply("joined", this.state(name));
      case "leaveRoom":
        if (name === "lobby") throw new Error("room_invalid");
        this.members.get(name)!.delete(conn.user);
        return reply("left", { room: name });
      case "rotateKey": {
        const claims = await this.claimsOf(conn, r.proof as string, "sotto-rotate+jwt");
        const device = this.device(conn);
        Object.assign(device, { enc: await sealKey(claims.enc), gen: claims.gen });
        return reply("rotated", { gen: claims.gen, jwe: await this.seal(conn, "sotto-rotated+jwe", { sid: conn.sid, gen: claims.gen }) });
      }
      case "devices": {
        const own = [...this.devices.get(conn.user)!];
        return reply("devices", { devices: own.map(([device, { revoked }]) => ({ device, addedAt: 1, lastSeenAt: 2, revoked, current: device === conn.device })) });
      }
      case "revokeDevice": {
        const { dev } = await this.claimsOf(conn, r.proof as string, "sotto-revoke+jwt");
        this.devices.get(conn.user)!.get(dev as string)!.revoked = true;
        for (const other of this.conns) if (other.device === dev) other.ws.terminate();
        return reply("revoked", { device: dev });
      }
      case "ping":
        return reply("pong", { at: Date.now(), heads: Object.fromEntries([...this.rooms].map(([n, { epoch, log }]) => [n, { epoch, head: log.length }])) });
      case "presence":
        return reply("presence", { room: name, users: [...new Set([...this.conns].map((c) => c.user).filter(Boolean))].sort(), more: false });
      case "typing":
        return this.deliver(name, { type: "typing", room: name, user: conn.user }, conn);
      case "mark":
        return this.deliver(name, { type: "mark", room: name, user: conn.user, delivered: r.delivered, read: r.read }, conn);
      default:
        throw new Error("unknown_action");
    }
  }

  private async prove(conn: Conn, proof: string): Promise<string> {
    const signed = await parseSigned(proof, "sotto-handshake+jwt");
    const claims = parseObject(await verify(signed, signed.key!));
    const user = claims.sub as string;
    if (claims.nonce !== conn.nonce || user !== conn.name || claims.aud !== "sotto.example/local") throw new Error("bad_proof");
    await this.derive(conn, proof);
    const own = this.devices.get(user) ?? new Map<string, Device>();
    const known = own.get(signed.kid);
    if (!known && own.size > 0) {
      if (!claims.link) throw new Error("name_taken");
      const link = await parseSigned(claims.link as string, "sotto-link+jwt");
      const by = own.get(link.kid);
      if (!by || parseObject(await verify(link, by.key)).dev !== signed.kid) throw new Error("device_unknown");
    }
    if (known?.revoked) throw new Error("device_revoked");
    if (known && (claims.gen as number) < known.gen) throw new Error("stale_device_key");
    this.devices.set(user, own.set(signed.kid, { key: signed.key!, enc: await sealKey(claims.enc), gen: claims.gen as number, revoked: false }));
    Object.assign(conn, { user, device: signed.kid, sid: encode64(random(16)) });
    this.members.get("lobby")!.add(user);
    const rooms = [...this.rooms.keys()].filter((name) => this.members.get(name)!.has(user)).map((name) => this.state(name));
    return this.seal(conn, "sotto-welcome+jwe", { v: 2, at: Date.now(), nonce: conn.nonce, sid: conn.sid, user, device: conn.device, rooms });
  }

  /** Derives the keys of the session from a proof: even its refusal is authenticated. */
  private async derive(conn: Conn, proof: string): Promise<void> {
    const signed = await parseSigned(proof, "sotto-handshake+jwt");
    const { sk } = parseObject(await verify(signed, signed.key!));
    const secret = await openBytes(parseSealed(sk as string, "sotto-session+jwe"), this.sessionKey.opener);
    conn.keys = await deriveMACKeys(secret, decode64(conn.nonce), proof);
  }

  private async send(conn: Conn, r: Request): Promise<void> {
    const sealed = parseSealed(r.jwe as string, "sotto-send+jwe");
    const own = this.servers.find(({ opener }) => opener.kid === sealed.kid);
    if (!own) throw new Error("stale_server_key");
    const jws = await open(sealed, own.opener);
    const claims = await this.claimsOf(conn, jws, "sotto-message+jwt");
    if (claims.sub !== conn.user || claims.skid !== sealed.kid) throw new Error("session_mismatch");
    const [name, id] = [claims.room as string, claims.id as string];
    if (!this.members.get(name)?.has(conn.user)) throw new Error("not_a_member");
    const room = this.rooms.get(name)!;
    let entry = room.log.find((each) => each.id === id && each.device === conn.device);
    const duplicate = entry !== undefined;
    if (!entry) {
      const jwk = JSON.parse(this.device(conn).key.jwk) as unknown;
      entry = { seq: room.log.length + 1, id, from: conn.user, device: conn.device, jwk, jws, room: name, epoch: room.epoch, storedAt: Date.now() };
      room.log.push(entry);
    }
    const { seq, storedAt, epoch } = entry;
    this.post(conn, { type: "ack", ref: r.ref, id, room: name, epoch, seq, storedAt, duplicate });
    for (const to of this.conns) {
      if (!to.sid || !this.members.get(name)!.has(to.user)) continue;
      this.post(to, { type: "message", room: name, epoch, seq, jwe: await this.seal(to, "sotto-message+jwe", this.forge(to.user, entry)) });
    }
  }

  private async claimsOf(conn: Conn, token: string, typ: Parameters<typeof parseSigned>[1]): Promise<Members> {
    const claims = parseObject(await verify(await parseSigned(token, typ), this.device(conn).key));
    if (claims.sid !== conn.sid) throw new Error("session_mismatch");
    return claims;
  }

  private device(conn: Conn): Device {
    return this.devices.get(conn.user)!.get(conn.device)!;
  }

  private seal(conn: Conn, typ: SealedType, plain: object): Promise<string> {
    return seal(this.device(conn).enc, typ, JSON.stringify(plain));
  }

  private state(room: string): Frame {
    const { epoch, floor, log } = this.rooms.get(room)!;
    return { room, epoch, head: log.length, floor };
  }
}

/** The members of a push that let a client handle it once. */
const push = (): Frame => ({ n: encode64(random(8)), at: Date.now() });

async function generate(): Promise<{ opener: Opener; jwk: string }> {
  const how = { name: "RSA-OAEP", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const pair = await crypto.subtle.generateKey(how, false, ["encrypt", "decrypt"]);
  const { kid, jwk } = await publicJWK(pair.publicKey);
  return { opener: { kid, size: 256, privateKey: pair.privateKey }, jwk };
}

function listen(port: number): Promise<WebSocketServer> {
  return new Promise((resolve, reject) => {
    const server: WebSocketServer = new WebSocketServer({ port, host: "127.0.0.1", perMessageDeflate: false }, () => resolve(server));
    server.on("error", reject);
  });
}
