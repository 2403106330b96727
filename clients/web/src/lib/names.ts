/** Names, ids and limits of protocol §1 and §3. */
import type { Measure } from "./api";
import { encode64, isThumbprint, length64, random, utf8 } from "./bytes";
import { SottoError } from "./errors";
import { parseClaims, string } from "./json";
import { macSize } from "./mac";

/** The version of the protocol. */
export const version = 2;
/** Bytes of a frame. */
export const maxFrame = 32_768;
/** UTF-8 bytes of a text. */
export const maxBody = 16_384;
/** The shortest pause between two presence requests of a room, in ms. */
export const presenceInterval = 30_000;
/** Messages of one page of history. */
export const maxPage = 100;
export const lobby = "lobby";

const name = /^[a-z0-9][a-z0-9_-]{1,31}$/;
const closed = /^~[A-Za-z0-9_-]{21}[AQgw]$/;
const reserved = [
  "admin", "administrator", "all", "channel", "everybody", "everyone", "help", "here", "lobby", "me", "mod", "moderator", "operator",
  "owner", "root", "security", "service", "sotto", "staff", "support", "system", "you",
];

export const isRoomName = (s: string): boolean => name.test(s);
/** Whether a room with this name can be created. */
export const isNewRoomName = (s: string): boolean => name.test(s) && !reserved.includes(s);
/** Whether a room's id is that of a closed room. The id of an open room is its name. */
export const isClosed = (room: string): boolean => closed.test(room);
export const isRoom = (room: string): boolean => isRoomName(room) || isClosed(room);
export const isUserName = (s: string): boolean => name.test(s) && !reserved.includes(s);
export const isMessageID = (s: string): boolean => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(s);

const base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

let lastTime = 0;

/**
 * A new ULID: 48 bits of time and 80 random bits. Each sorts after the earlier
 * ones, also within a millisecond.
 */
export function newMessageID(): string {
  lastTime = Math.max(Date.now(), lastTime + 1);
  let id = "";
  for (let time = lastTime, n = 0; n < 10; n++, time = Math.floor(time / 32)) id = base32[time % 32] + id;
  for (const byte of random(16)) id += base32[byte % 32];
  return id;
}

/** A new random id of a closed room. */
export const newClosedRoom = (): string => `~${encode64(random(16))}`;

/** What a sender signs of a message (protocol §5), besides the version. */
export interface MessageClaims {
  sid: string;
  sub: string;
  skid: string;
  room: string;
  id: string;
  body: string;
}

/** The claims of a message, as they are signed. */
export function messageClaims(c: MessageClaims): string {
  return JSON.stringify({ v: version, sid: c.sid, sub: c.sub, skid: c.skid, room: c.room, id: c.id, body: c.body });
}

/** Reads the claims of a message and checks their form. Error: protocol. */
export function readMessageClaims(source: string): MessageClaims {
  const c = parseClaims(source, "v", "sid", "sub", "skid", "room", "id", "body");
  const claims = { sid: string(c, "sid"), sub: string(c, "sub"), skid: string(c, "skid"), room: string(c, "room"), id: string(c, "id"), body: string(c, "body") };
  const formed = c.v === version && claims.sid && isUserName(claims.sub) && isThumbprint(claims.skid) && isRoom(claims.room) && isMessageID(claims.id);
  if (!formed || utf8(claims.body).length > maxBody) throw new SottoError("protocol");
  return claims;
}

/**
 * Computes the size of a text and its frame. All parts except the text have a fixed
 * length; the encrypted key has at most 3072 bits.
 */
export function measure(room: string, user: string, body: string): Measure {
  const filler = "-".repeat(43);
  const claims = messageClaims({ sid: filler.slice(0, 22), sub: user, skid: filler, room, id: filler.slice(0, 26), body });
  const jws = 132 + 1 + length64(utf8(claims).length) + 1 + 86;
  const jwe = 144 + 1 + 512 + 1 + 16 + 1 + length64(jws) + 1 + 22;
  const frame = 42 + 22 + macSize + jwe;
  const bytes = utf8(body).length;
  return { bytes, frame, fits: bytes <= maxBody && frame <= maxFrame };
}

/** A thumbprint in groups of four, for reading aloud. */
export const fingerprint = (thumbprint: string): string => thumbprint.match(/.{1,4}/g)?.join(" ") ?? "";
