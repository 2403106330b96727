/**
 * What the user interface programs against. Everything here is shape: the
 * functions are in `index.ts`, which exports this file's types beside them.
 *
 *     import { open, type Chat } from "../lib";
 *
 * A Chat is one user's presence at one service, over however many connections
 * that takes. It keeps its own state; the interface reads snapshots and is told
 * by events when one has changed. Snapshots are never changed in place: a new
 * object each time, so they may be put into `$state.raw` as they are.
 *
 * Texts of messages are what their senders signed: any Unicode, controls too.
 * Show them as text, never as markup.
 */

/** The codes of protocol §8, and those that this library adds (from "offline" on). */
export type ErrorCode =
  | "bad_frame" | "unknown_action" | "frame_too_large" | "handshake_required" | "already_bound" | "bad_proof"
  | "nonce_expired" | "name_invalid" | "name_taken" | "device_unknown" | "device_revoked" | "stale_device_key"
  | "key_unacceptable" | "bad_envelope" | "stale_server_key" | "bad_signature" | "session_mismatch"
  | "not_a_member" | "room_invalid" | "too_many_rooms" | "too_many_devices" | "body_too_large" | "rate_limited"
  | "try_again" | "internal"
  /** There is no connection, or it was lost before the answer. */
  | "offline"
  /** The service said something that protocol v1 does not allow. */
  | "protocol"
  /** Another service key than the one trusted since the first use. */
  | "service_key_changed"
  /** The service's key set is older than one seen before. */
  | "key_set_older"
  /** The service's key set has expired, or this computer's clock is wrong. */
  | "key_set_expired"
  /** The service is another deployment than the one at this address. */
  | "wrong_audience"
  /** This browser lacks Ed25519, RSA-OAEP or AES-GCM in WebCrypto, or the page is no secure context. */
  | "unsupported"
  /** The Chat was closed. */
  | "closed";

/** An error to show: `message` is a sentence that says what to do. `retry`: it may pass by itself. */
export interface ChatError extends Error {
  readonly code: ErrorCode;
  readonly retry: boolean;
}

/** How it stands with the connection. */
export type Status =
  /** The first connection is being made. */
  | { phase: "connecting" }
  | { phase: "online" }
  /** Lost; the next try is at `retryAt` (Unix ms), or as soon as the browser is online again. */
  | { phase: "waiting"; retryAt: number; error: ChatError }
  /** For good: closed, or the service will not have this device any more (`device_revoked`, say). */
  | { phase: "ended"; error: ChatError };

/** A room on the side. `unread` counts places in the log behind the last one read here. */
export interface Room {
  name: string;
  /** The last seq known to exist; 0 in an empty room. */
  head: number;
  unread: number;
  /** When the last message known here was stored (Unix ms); absent while none was opened. */
  lastAt?: number;
}

/** What is known about one message: what the lock shows. */
export interface Provenance {
  /** Thumbprint of the sender's signing key, by which the device is named. */
  senderDevice: string;
  /** Always true of a message that is shown; a signature that does not hold makes a Gap. */
  signatureChecked: true;
  /** Thumbprint of the server key to which the sender sealed. */
  serverKey: string;
  /** Thumbprint of this device's encryption key to which the service sealed. Absent for an own message that has not come back yet. */
  deviceKey?: string;
  /** Thumbprint of the service key, pinned at first use. */
  serviceKey: string;
}

/** A message as it is shown. */
export interface Message {
  kind: "message";
  /** Stable through sending, acknowledgement and history: for keyed lists. */
  key: string;
  room: string;
  id: string;
  from: string;
  device: string;
  body: string;
  /** Sent in this user's name, from this device or another one. */
  own: boolean;
  /** Own ones from this device: queued (no connection), sending, sent, failed. All others: received. */
  state: "queued" | "sending" | "sent" | "failed" | "received";
  /** Why it failed; only with state failed. `retry(key)` or `discard(key)` it. */
  error?: ChatError;
  /** Its place in the log; absent until acknowledged. */
  seq?: number;
  /** Unix ms by the service's clock; by this one's until acknowledged. */
  at: number;
  /** The first message from this device of a user who was known by other devices only. */
  newDevice: boolean;
  /** Absent until it has come back from the service. */
  provenance?: Provenance;
}

/** A place in the log that cannot be shown, and why, as a sentence. */
export interface Gap {
  kind: "gap";
  key: string;
  room: string;
  seq: number;
  reason: string;
}

export type Entry = Message | Gap;

/** A room's messages as far as they were loaded, in order; unsent ones last. */
export interface Timeline {
  room: string;
  entries: readonly Entry[];
  /** There is more above: `loadOlder`. */
  older: boolean;
  /** How far others have received and read, by user: seqs. Never of oneself. Only what was heard on this page. */
  marks: Readonly<Record<string, { delivered: number; read: number }>>;
  /** The last seq that was read here. Its value at the moment the room is opened is where "new" begins. */
  readUpTo: number;
}

export interface Presence {
  users: readonly string[];
  /** More than the 200 listed. */
  more: boolean;
}

/** One of the user's own devices, as the service lists it; times are Unix ms. */
export interface Device {
  device: string;
  addedAt: number;
  lastSeenAt: number;
  revoked: boolean;
  current: boolean;
}

/** Another user, as this device knows them. */
export interface Contact {
  user: string;
  devices: readonly {
    device: string;
    /** Unix ms of the first message seen from it. */
    since: number;
    /** It appeared after others of the same user, and nobody has said `acceptDevices` since. Warn. */
    fresh: boolean;
  }[];
  /** `setVerified` was said for exactly the devices of now. A new device takes it back. */
  verified: boolean;
}

/** The safety number of two users, protocol §12. */
export interface SafetyNumber {
  /** Six groups of five digits. */
  groups: readonly string[];
  /** What the QR code shows. */
  qr: string;
}

export type ChatEvent =
  | { type: "status"; status: Status }
  /** The list of rooms, a head or an unread count. */
  | { type: "rooms" }
  /** `timeline(room)` has changed. */
  | { type: "timeline"; room: string }
  /** Somebody else's message came just now (not from history): for notifications. */
  | { type: "message"; message: Message }
  /** Who types in the room now, without oneself. Sent again when somebody has stopped. */
  | { type: "typing"; room: string; users: readonly string[] }
  | { type: "presence"; room: string; presence: Presence }
  /** A user appeared with another device than before. */
  | { type: "newDevice"; user: string; device: string };

export interface OpenOptions {
  /** ws:// or wss://, with the stage; see `serviceAddress`. */
  url: string;
  user: string;
  /** What another device of the user has made by `link` for this one. */
  link?: string;
  /** Pins the service key, by its thumbprint, before the first use. */
  serviceKey?: string;
}

export interface Chat {
  readonly user: string;
  /** This device's name: the thumbprint of its signing key. */
  readonly device: string;
  /** Thumbprint of the service key. */
  readonly serviceKey: string;
  /** What the service calls itself: host and stage. A link request must name it. */
  readonly audience: string;
  /** False where the browser refused to store the keys: they last for this page, and the name is lost with it. Say so. */
  readonly keysStored: boolean;

  /** Calls `listener` for every event until the returned function is called. */
  subscribe(listener: (event: ChatEvent) => void): () => void;
  status(): Status;
  /** Tries to connect now instead of at `retryAt`. */
  reconnect(): void;
  /** Ends the Chat. Unsent messages stay stored. */
  close(): void;

  /** Rooms of the user, sorted by name. */
  rooms(): readonly Room[];
  /** Joins a room, making it if need be. Errors: room_invalid, too_many_rooms, offline. */
  join(room: string): Promise<void>;
  /** Error: room_invalid for the lobby. */
  leave(room: string): Promise<void>;

  timeline(room: string): Timeline;
  /** Loads a page of older messages; the first call loads the latest ones. Returns whether there is more. Calls at the same time share one. */
  loadOlder(room: string): Promise<boolean>;

  /**
   * Puts a message into the outbox and returns its key at once. It is sent when
   * there is a connection, in order, under one id however often that takes, and
   * survives a reload. Throws body_too_large or frame_too_large: see `measure`.
   */
  send(room: string, body: string): string;
  /** Sends a failed message again. */
  retry(key: string): void;
  /** Forgets a failed or queued message. One that was sent already stays sent. */
  discard(key: string): void;

  /** The user types in the room; call it on each key, it sends at most every 3 s. */
  typing(room: string): void;
  /** Asks who is here; the answer comes as an event. Call when a room is opened, and every 30 s while it is shown. */
  presence(room: string): void;
  /** The messages up to `seq` were on the screen. Sent at most every 3 s; kept here for the unread counts. */
  markRead(room: string, seq: number): void;

  /** The user's own devices. */
  devices(): Promise<readonly Device[]>;
  /** Vouches for another device, by the name that it shows; the token is good for 9 minutes and no secret. */
  link(device: string): Promise<{ token: string; expires: number }>;
  /** Bars another device of the user for ever. */
  revoke(device: string): Promise<void>;
  /** Replaces this device's encryption key; returns its generation. */
  rotate(): Promise<number>;

  /** What is known of a user; a user never seen has no devices. */
  contact(user: string): Contact;
  /** The warning was seen: none of the user's devices is fresh any more. */
  acceptDevices(user: string): void;
  /** The safety number was compared and is right (or is taken back). */
  setVerified(user: string, verified: boolean): void;
  /** What to compare with that user; null while no device of theirs was seen. */
  safetyNumber(user: string): Promise<SafetyNumber | null>;
}

/** A user whose keys this browser keeps for a service. */
export interface Profile {
  /** Host, port and stage of the service. */
  address: string;
  user: string;
  device: string;
  /** Unix ms. */
  lastUsed: number;
}

/** How much of its bounds a text uses. */
export interface Measure {
  /** UTF-8 bytes of the text, of at most 16,384. */
  bytes: number;
  /** Bytes of the frame it would make, of at most 32,768; escapes count. */
  frame: number;
  fits: boolean;
}

/**
 * The functions that `index.ts` exports.
 */
export interface Library {
  /**
   * Makes or reads the user's keys and connects. Resolves when the user is in;
   * rejects with what the service says (`name_taken`: link this device, see
   * `linkRequest`; `name_invalid`, `device_unknown`, `device_revoked`, …) or
   * `offline`. Where this device was in before, it resolves without a connection
   * too, with status waiting: outbox and rooms of last time are there.
   */
  open(options: OpenOptions): Promise<Chat>;
  /** The service's address: from /config.json (`{"url": "wss://…", "serviceKey"?: "…"}`) beside the page, else `/local` at the page's own host. */
  serviceAddress(): Promise<{ url: string; serviceKey?: string }>;
  /** What is stored in this browser, the last used first. */
  profiles(url: string): Promise<readonly Profile[]>;
  /** Deletes a user's keys, pins and unsent messages from this browser. The name cannot be had again without another linked device. */
  forget(url: string, user: string): Promise<void>;
  /** Deletes what is trusted about a service (after service_key_changed, if the user means it), and all its users with it. */
  forgetService(url: string): Promise<void>;
  /** What a new device shows (as text and QR) so that an old one can `link` it: makes the keys, without connecting. */
  linkRequest(url: string, user: string): Promise<{ device: string; qr: string }>;
  /** Reads a device's name out of what a person pasted or scanned; null if there is none, or it is for another user or audience (`chat.audience`). */
  readLinkRequest(text: string, user: string, audience?: string): string | null;
  /** Whether a text can be sent. */
  measure(room: string, user: string, body: string): Measure;
  /** 2 to 32 of a-z 0-9 - _, beginning with a letter or digit; users: not reserved. */
  isUserName(name: string): boolean;
  isRoomName(name: string): boolean;
  /** A thumbprint in groups of four for reading aloud. */
  fingerprint(thumbprint: string): string;
  /** A QR code's modules, true is dark, without the quiet zone. Import it from "../lib/qr", on demand. */
  qrMatrix(text: string): boolean[][];
}
