/**
 * The requests of the protocol on the current session: each method makes the
 * frame, and checks and decodes the answer. All of them throw offline while there
 * is no session.
 */
import type { Device as DeviceState, Presence } from "./api";
import type { Connection } from "./connection";
import type { RoomsAnswer } from "./closed";
import { type Device, type OperationClaims, type Page, readRoom } from "./device";
import { SottoError } from "./errors";
import { integer, isObject, list, string } from "./json";
import { newMessageID } from "./names";
import type { Ack } from "./outbox";
import type { RoomState } from "./profile";

export class Requests {
  constructor(
    private readonly connection: Connection,
    private readonly device: Device,
  ) {}

  /** Creates an open room. */
  async createRoom(room: string): Promise<void> {
    await this.connection.online().call("created", () => ({ action: "createRoom", room }));
  }

  /** Makes the user a member of an open room. */
  async joinRoom(room: string): Promise<RoomState> {
    const state = readRoom(await this.connection.online().call("joined", () => ({ action: "joinRoom", room })));
    if (state.room !== room) throw new SottoError("protocol");
    return state;
  }

  async leaveRoom(room: string): Promise<void> {
    await this.connection.online().call("left", () => ({ action: "leaveRoom", room }));
  }

  /** The closed rooms and invitations of the user, or one room with its members. */
  async rooms(room?: string): Promise<RoomsAnswer> {
    const answer = await this.connection.online().call("rooms", () => ({ action: "rooms", ...(room !== undefined && { room }) }));
    return this.device.openRooms(answer.jwe);
  }

  /** Signs and sends an operation on a closed room. */
  async operate(op: OperationClaims): Promise<Ack> {
    const session = this.connection.online();
    const id = newMessageID();
    const answer = await session.call("ack", async () => ({
      action: "sendMessage",
      jwe: await this.device.sealOperation(session.sid, session.keys, id, op),
    }));
    if (answer.id !== id || answer.room !== op.room) throw new SottoError("protocol");
    return { epoch: string(answer, "epoch"), seq: integer(answer, "seq"), storedAt: integer(answer, "storedAt") };
  }

  /** Seals and sends a message; each retry with a new server key seals it again. */
  async sendMessage(room: string, id: string, body: string): Promise<Ack> {
    const session = this.connection.online();
    const answer = await session.call("ack", async () => ({
      action: "sendMessage",
      jwe: await this.device.sealMessage(session.sid, session.keys, room, id, body),
    }));
    if (answer.id !== id || answer.room !== room) throw new SottoError("protocol");
    return { epoch: string(answer, "epoch"), seq: integer(answer, "seq"), storedAt: integer(answer, "storedAt") };
  }

  async history(room: string, after: number, limit: number): Promise<Page> {
    const frame = await this.connection.online().call("history", () => ({ action: "history", room, after, limit }));
    return this.device.openHistory(frame, room);
  }

  async presence(room: string): Promise<Presence> {
    const answer = await this.connection.online().call("presence", () => ({ action: "presence", room }));
    return { users: list(answer, "users").filter((user) => typeof user === "string"), more: answer.more === true };
  }

  /** Sends the last seqs of rooms and returns the service's epochs and heads. */
  async ping(heads: Record<string, number>): Promise<{ room: string; epoch: string; head: number }[]> {
    const session = this.connection.online();
    const answer = await session.call("pong", () => ({ action: "ping", heads }));
    session.pushes.anchor(integer(answer, "at"));
    if (!isObject(answer.heads)) return [];
    return Object.entries(answer.heads).flatMap(([room, head]) =>
      isObject(head) ? [{ room, epoch: string(head, "epoch"), head: integer(head, "head") }] : [],
    );
  }

  async devices(): Promise<DeviceState[]> {
    const answer = await this.connection.online().call("devices", () => ({ action: "devices" }));
    return list(answer, "devices")
      .filter(isObject)
      .map((d) => ({
        device: string(d, "device"),
        addedAt: integer(d, "addedAt"),
        lastSeenAt: integer(d, "lastSeenAt"),
        revoked: d.revoked === true,
        current: d.current === true,
      }));
  }

  async revokeDevice(device: string): Promise<void> {
    const session = this.connection.online();
    await session.call("revoked", async () => ({ action: "revokeDevice", proof: await this.device.proveRevocation(session.sid, device) }));
  }

  /** Announces the newest key and returns its generation. */
  async rotateKey(): Promise<number> {
    const session = this.connection.online();
    const answer = await session.call("rotated", async () => ({ action: "rotateKey", proof: await this.device.proveRotation(session.sid) }));
    return this.device.openRotated(answer, session.sid);
  }
}
