/** What the user may know about closed rooms (protocol §13): names, members, invitations. */
import type { Change, ClosedRoom, Invitation, Member, Role } from "./api";
import { isThumbprint } from "./bytes";
import { SottoError } from "./errors";
import { integer, isObject, list, type Members, parseClaims, parseObject, string } from "./json";
import { isClosed, isMessageID, isRoomName, isUserName, type MessageClaims, version } from "./names";
import type { Store } from "./store";

/** The answer to `rooms`, opened. */
export interface RoomsAnswer {
  rooms: readonly ClosedRoom[];
  invitations: readonly Invitation[];
}

/** Reads the plaintext of a rooms frame. Throws protocol. */
export function readRooms(m: Members): RoomsAnswer {
  return {
    rooms: list(m, "rooms").map((value) => {
      const r = object(value);
      const members = Array.isArray(r.members) ? r.members.map(readMember) : undefined;
      const invited = Array.isArray(r.invited) ? r.invited.map(userName) : members && [];
      return { ...named(r), role: role(r), from: integer(r, "from"), ...(members && { members, invited: invited! }) };
    }),
    invitations: list(m, "invitations").map((value) => {
      const i = object(value);
      return { ...named(i), by: userName(i.by), at: integer(i, "at") };
    }),
  };
}

function object(value: unknown): Members {
  if (!isObject(value)) throw new SottoError("protocol");
  return value;
}

function named(m: Members): { room: string; name: string } {
  const room = string(m, "room");
  if (!isClosed(room)) throw new SottoError("protocol");
  return { room, name: roomName(m) };
}

function userName(value: unknown): string {
  if (typeof value !== "string" || !isUserName(value)) throw new SottoError("protocol");
  return value;
}

const isRole = (value: unknown): value is Role => value === "owner" || value === "moderator" || value === "member";

function role(m: Members): Role {
  if (!isRole(m.role)) throw new SottoError("protocol");
  return m.role;
}

function readMember(value: unknown): Member {
  const m = object(value);
  return { user: userName(m.user), role: role(m) };
}

/** An operation on a closed room. */
export type Operation = Pick<Change, "op" | "user" | "role" | "name">;

/** The members that an operation has besides those that all have. */
const members: Record<Change["op"], readonly string[]> = {
  create: ["name", "history"],
  invite: ["user"],
  accept: [],
  decline: [],
  remove: ["user"],
  leave: [],
  role: ["user", "role"],
};

/** Reads the claims of an operation and checks their form. Error: protocol. */
export function readOperationClaims(source: string): { claims: MessageClaims; operation: Operation } {
  const given = parseObject(source);
  const op = given.op as Change["op"];
  if (typeof op !== "string" || !Object.hasOwn(members, op)) throw new SottoError("protocol");
  const own = op === "decline" && given.user !== undefined ? ["user"] : members[op];
  const c = parseClaims(source, "v", "sid", "sub", "skid", "room", "id", "at", "op", ...own);
  const claims = { sid: string(c, "sid"), sub: userName(c.sub), skid: string(c, "skid"), room: string(c, "room"), id: string(c, "id"), body: "" };
  const formed = c.v === version && claims.sid && isThumbprint(claims.skid) && isClosed(claims.room) && isMessageID(claims.id) && integer(c, "at") > 0;
  if (!formed || (own.includes("history") && c.history !== "joined" && c.history !== "all")) throw new SottoError("protocol");
  const operation: Operation = { op };
  if (own.includes("user")) operation.user = userName(c.user);
  if (own.includes("role")) operation.role = role(c);
  if (own.includes("name")) operation.name = roomName(c);
  return { claims, operation };
}

function roomName(m: Members): string {
  const name = string(m, "name");
  if (!isRoomName(name)) throw new SottoError("protocol");
  return name;
}

/**
 * The names of closed rooms. They are stored, so that a page without a connection
 * shows names and not ids.
 */
export class RoomNames {
  private readonly names = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly key: readonly string[],
  ) {}

  /** If the store fails, there are none. */
  async load(): Promise<void> {
    for (const { room, name } of await this.store.list<{ room: string; name: string }>(this.key).catch(() => [])) this.names.set(room, name);
  }

  /** The name of an open room is its id. */
  of(room: string): string {
    return this.names.get(room) ?? (isClosed(room) ? "…" : room);
  }

  keep(room: string, name: string): void {
    if (this.names.get(room) === name) return;
    this.names.set(room, name);
    void this.store.set([...this.key, room], { room, name }).catch(() => undefined);
  }

  forget(room: string): void {
    if (!this.names.delete(room)) return;
    void this.store.set([...this.key, room], undefined).catch(() => undefined);
  }
}
