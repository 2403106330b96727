/**
 * The interface of the library, types only. `index.ts` has the functions and also
 * exports these types.
 *
 *     import { open, type Chat } from "../lib";
 *
 * A Chat connects one user to one service and reconnects as necessary. It keeps
 * the state; callers read snapshots, and events say when one has changed. A
 * snapshot is immutable, so it can be assigned to `$state.raw`.
 *
 * The text of a message may contain any Unicode, including control characters.
 * Show it as text, never as markup.
 */

/** The codes of protocol §8, and those of this library (from "offline" on). */
export type ErrorCode =
  | "bad_frame" | "unknown_action" | "frame_too_large" | "handshake_required" | "already_bound" | "bad_proof"
  | "nonce_expired" | "name_invalid" | "name_taken" | "device_unknown" | "device_revoked" | "stale_device_key"
  | "key_unacceptable" | "version_unsupported" | "bad_mac" | "bad_envelope" | "stale_server_key" | "bad_signature" | "session_mismatch"
  | "not_a_member" | "room_invalid" | "user_unknown" | "room_taken" | "not_allowed" | "not_fresh" | "too_many_members"
  | "too_many_rooms" | "too_many_devices" | "body_too_large" | "rate_limited"
  | "try_again" | "internal"
  /** There is no connection, or it was lost before the answer. */
  | "offline"
  /** An error came without the service's proof that it is its own. The client connects again. */
  | "unproven"
  /** The service sent something that protocol v2 does not allow. */
  | "protocol"
  /** The service key is not the one pinned at first use. */
  | "service_key_changed"
  /** The service's key set is older than one seen before. */
  | "key_set_older"
  /** The service's key set has expired, or this computer's clock is wrong. */
  | "key_set_expired"
  /** The key set is for another deployment. */
  | "wrong_audience"
  /**
   * This browser lacks Ed25519, RSA-OAEP or AES-GCM in WebCrypto, or the page
   * is not a secure context.
   */
  | "unsupported"
  /** The browser's storage fails or is full, and the action needs it. */
  | "storage"
  /** The browser or this page failed: nothing that the service sent. */
  | "browser"
  /** The Chat was closed. */
  | "closed";

/** An error to show: `message` says what happened and what to do. `retry`: a retry may succeed. */
export interface ChatError extends Error {
  readonly code: ErrorCode;
  readonly retry: boolean;
}

/** The state of the connection. */
export type Status =
  /** The first connection is being made. */
  | { phase: "connecting" }
  | { phase: "online" }
  /** Lost. The next attempt is at `retryAt` (Unix ms), or when the browser is online again. */
  | { phase: "waiting"; retryAt: number; error: ChatError }
  /** Ended permanently: closed, or the service refuses this device, as with `device_revoked`. */
  | { phase: "ended"; error: ChatError };

/** A room of the user. `unread` counts the messages after the last one read in this browser. */
export interface Room {
  /** Its id: the name of an open room, random for a closed one. */
  name: string;
  /** The name to show. */
  title: string;
  /** Only invited users are members of a closed room. */
  closed: boolean;
  /** The last seq known to exist; 0 in an empty room. */
  head: number;
  unread: number;
  /** When the last known message was stored (Unix ms); absent if there is none. */
  lastAt?: number;
}

export type Role = "owner" | "moderator" | "member";

export interface Member {
  user: string;
  role: Role;
}

/** What a member knows about a closed room. */
export interface ClosedRoom {
  room: string;
  name: string;
  /** Of the user. */
  role: Role;
  /** The first seq that the user may read. */
  from: number;
  /** Present if one room was asked for. */
  members?: readonly Member[];
  /** Users with an open invitation; present with `members`. */
  invited?: readonly string[];
}

/** An invitation of the user to a closed room. */
export interface Invitation {
  room: string;
  name: string;
  by: string;
  /** Unix ms. */
  at: number;
}

/** The keys that protect a message. */
export interface Provenance {
  /** Thumbprint of the sender's signing key, which is the device's id. */
  senderDevice: string;
  /** Always true: a message with an invalid signature becomes a Gap. */
  signatureChecked: true;
  /** Thumbprint of the server key to which the sender sealed. */
  serverKey: string;
  /**
   * Thumbprint of this device's encryption key to which the service sealed.
   * Absent for an own message that has not been delivered back yet.
   */
  deviceKey?: string;
  /** Thumbprint of the service key, pinned at first use. */
  serviceKey: string;
}

/** A message of a timeline. */
export interface Message {
  kind: "message";
  /** The same while sending, after the ack and in the history. For keyed lists. */
  key: string;
  room: string;
  id: string;
  from: string;
  device: string;
  body: string;
  /** Sent by this user, from any device. */
  own: boolean;
  /**
   * For messages of this device: queued (no connection), sending, sent, failed.
   * For all others: received.
   */
  state: "queued" | "sending" | "sent" | "failed" | "received";
  /** Why it failed; only with state failed. Call `retry(key)` or `discard(key)`. */
  error?: ChatError;
  /** Its place in the log; absent until the ack. */
  seq?: number;
  /** Unix ms, by this computer's clock until the ack, then by the service's. */
  at: number;
  /** The first message from a new device of a user with other known devices. */
  newDevice: boolean;
  /** Absent until the service has delivered the message back. */
  provenance?: Provenance;
}

/** A message that cannot be shown, and the reason as a sentence. */
export interface Gap {
  kind: "gap";
  key: string;
  room: string;
  seq: number;
  reason: string;
}

/** An operation on a closed room, signed by the user who made it. */
export interface Change {
  kind: "change";
  key: string;
  room: string;
  seq: number;
  from: string;
  device: string;
  own: boolean;
  at: number;
  newDevice: boolean;
  op: "create" | "invite" | "accept" | "decline" | "remove" | "leave" | "role";
  /** Whom it is about: invite, remove, role, and decline if an invitation was taken back. */
  user?: string;
  role?: Role;
  /** create: the name of the room. */
  name?: string;
}

export type Entry = Message | Change | Gap;

/** The loaded messages of a room in order, followed by the unsent ones. */
export interface Timeline {
  room: string;
  entries: readonly Entry[];
  /** There are older messages to load with `loadOlder`. */
  older: boolean;
  /**
   * The last seqs that other users have received and read, as far as this browser
   * has been told.
   */
  marks: Readonly<Record<string, { delivered: number; read: number }>>;
  /** The last seq read in this browser. Its value when the room is opened is where "New" begins. */
  readUpTo: number;
}

/** Who was in the room at the last answer; unknown without a connection. */
export interface Presence {
  /** The users with a connection, each once, and this user among them. Sorted. */
  users: readonly string[];
  /** There are more than the 200 users listed. */
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

/** What this device knows about another user. */
export interface Contact {
  user: string;
  devices: readonly {
    device: string;
    /** Unix ms of the first message seen from it. */
    since: number;
    /**
     * It appeared after other devices of the user, and `acceptDevices` was not
     * called since. Show a warning.
     */
    fresh: boolean;
  }[];
  /** `setVerified` was called for exactly these devices. A new device resets it. */
  verified: boolean;
}

/** The safety number of two users, protocol §12. */
export interface SafetyNumber {
  /** Six groups of five digits. */
  groups: readonly string[];
  /** The content of the QR code. */
  qr: string;
}

export type ChatEvent =
  | { type: "status"; status: Status }
  /** The list of rooms, a head or an unread count has changed. */
  | { type: "rooms" }
  /** `timeline(room)` has changed. */
  | { type: "timeline"; room: string }
  /** A new message of another user (not from history), for notifications. */
  | { type: "message"; message: Message }
  /** The other users who are typing in the room. Sent again when one has stopped. */
  | { type: "typing"; room: string; users: readonly string[] }
  | { type: "presence"; room: string; presence: Presence }
  /** `invitations()` has changed. */
  | { type: "invitations" }
  /** The user was removed from a closed room, or left it on another device. */
  | { type: "removed"; title: string }
  /** A user has a new device. */
  | { type: "newDevice"; user: string; device: string };

export interface OpenOptions {
  /** ws:// or wss://, with the stage; see `serviceAddress`. */
  url: string;
  user: string;
  /** The token from `link` on another device of the user. */
  link?: string;
  /** Pins the service key, by its thumbprint, before the first use. */
  serviceKey?: string;
}

export interface Chat {
  readonly user: string;
  /** This device's id: the thumbprint of its signing key. */
  readonly device: string;
  /** Thumbprint of the service key. */
  readonly serviceKey: string;
  /** The service's name for itself: host and stage. A link request must have it. */
  readonly audience: string;
  /**
   * False if the browser refused to store the keys: they and the name are lost
   * when the page is closed. Show that.
   */
  readonly keysStored: boolean;

  /** Calls `listener` for every event until the returned function is called. */
  subscribe(listener: (event: ChatEvent) => void): () => void;
  status(): Status;
  /** Tries to connect now instead of at `retryAt`. */
  reconnect(): void;
  /** What was being written in the room, also before a reload; empty if nothing. */
  draft(room: string): string;
  /** Keeps what is being written. An empty text deletes it. */
  keepDraft(room: string, text: string): void;

  /** Ends the Chat. Unsent messages remain stored. */
  close(): void;

  /** Rooms of the user, sorted by name. */
  rooms(): readonly Room[];
  /** Joins an open room that exists. Errors: room_invalid, too_many_rooms, offline. */
  join(room: string): Promise<void>;
  /** Creates an open room, which anybody may join and read. Errors: room_taken, room_invalid, too_many_rooms, offline. */
  createOpen(name: string): Promise<void>;
  /**
   * Creates a closed room and returns its id. `allHistory`: new members read
   * everything that is stored, and not only what is sent after they joined.
   */
  createClosed(name: string, allHistory: boolean): Promise<string>;
  /** Errors: room_invalid for the lobby; not_allowed for the last owner of a closed room with other members. */
  leave(room: string): Promise<void>;

  /** The open invitations, the newest first. */
  invitations(): readonly Invitation[];
  accept(room: string): Promise<void>;
  decline(room: string): Promise<void>;
  /** A closed room with its members. Error: not_a_member. */
  closedRoom(room: string): Promise<ClosedRoom>;
  /** Errors: not_allowed, user_unknown, too_many_members; room_invalid for a member. */
  invite(room: string, user: string): Promise<void>;
  uninvite(room: string, user: string): Promise<void>;
  /** Removes a member, who can read nothing that is sent later. Error: not_allowed. */
  remove(room: string, user: string): Promise<void>;
  setRole(room: string, user: string, role: Role): Promise<void>;

  timeline(room: string): Timeline;
  /**
   * Loads a page of older messages; the first call loads the latest ones.
   * Returns whether there are more. Concurrent calls share one request.
   */
  loadOlder(room: string): Promise<boolean>;

  /**
   * Queues a message and returns its key at once. Messages are sent in order when
   * there is a connection, are retried under the same id, and survive a reload.
   * Throws body_too_large or frame_too_large; see `measure`.
   */
  send(room: string, body: string): string;
  /** Sends a failed message again. */
  retry(key: string): void;
  /** Deletes a failed or queued message. A message that was sent before remains sent. */
  discard(key: string): void;

  /** Says that the user is typing. Call it on each key; it sends at most every 3 s. */
  typing(room: string): void;
  /**
   * Asks who is in the room; the answer is an event. Call it when a room is
   * opened and every 30 s while it is shown. The first one on a connection also
   * asks the others for their marks.
   */
  presence(room: string): void;
  /**
   * Marks the messages up to `seq` as read. Sent at most every 3 s, and stored
   * for the unread counts.
   */
  markRead(room: string, seq: number): void;

  /** The user's own devices. */
  devices(): Promise<readonly Device[]>;
  /**
   * Links another device, by the id that it shows. The token is valid for 9
   * minutes and not secret.
   */
  link(device: string): Promise<{ token: string; expires: number }>;
  /** Revokes another device of the user permanently. */
  revoke(device: string): Promise<void>;
  /** Replaces this device's encryption key; returns its generation. */
  rotate(): Promise<number>;

  /** What is known about a user. An unknown user has no devices. */
  contact(user: string): Contact;
  /** The user has seen the warning: no device of the contact is fresh any more. */
  acceptDevices(user: string): void;
  /** Records that the safety number was compared and is the same, or that it is not verified. */
  setVerified(user: string, verified: boolean): void;
  /** The number to compare with that user; null while none of their devices is known. */
  safetyNumber(user: string): Promise<SafetyNumber | null>;
}

/** A user whose keys this browser stores for a service. */
export interface Profile {
  /** Host, port and stage of the service. */
  address: string;
  user: string;
  device: string;
  /** Unix ms. */
  lastUsed: number;
}

/** The size of a text, and whether it fits the limits. */
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
   * Reads or creates the user's keys and connects. Resolves when the handshake is
   * complete. Rejects with the service's error (`name_taken`: link this device, see
   * `linkRequest`; `name_invalid`, `device_unknown`, `device_revoked`, …) or with
   * `offline`. If this device has connected before, it also resolves without a
   * connection, with status waiting and the stored outbox and rooms.
   */
  open(options: OpenOptions): Promise<Chat>;
  /**
   * The service's address: from /config.json (`{"url": "wss://…",
   * "serviceKey"?: "…"}`) beside the page, or else `/local` on the page's host.
   */
  serviceAddress(): Promise<{ url: string; serviceKey?: string }>;
  /** The users stored in this browser, the last used first. */
  profiles(url: string): Promise<readonly Profile[]>;
  /**
   * Deletes a user's keys, pins and unsent messages from this browser. Without
   * another linked device the name is lost.
   */
  forget(url: string, user: string): Promise<void>;
  /**
   * Deletes a user's keys, which the service refuses for good, as after
   * device_revoked. The next `linkRequest` generates new ones. The pins of
   * contacts, the read positions and the unsent messages stay.
   */
  renew(url: string, user: string): Promise<void>;
  /**
   * Accepts the service's older keys, after key_set_older and with the user's
   * consent. The pinned service key and all users stay.
   */
  acceptOlderKeys(url: string): Promise<void>;
  /**
   * Deletes the pinned key of a service and all its users, after
   * service_key_changed and with the user's consent.
   */
  forgetService(url: string): Promise<void>;
  /**
   * What a new device shows, as text and QR code, for another device to `link`
   * it. Creates the keys and does not connect.
   */
  linkRequest(url: string, user: string): Promise<{ device: string; qr: string }>;
  /**
   * Reads a device's id from a pasted or scanned text; null if there is none,
   * or if it is for another user or audience (`chat.audience`).
   */
  readLinkRequest(text: string, user: string, audience?: string): string | null;
  /**
   * Compares the text of another client's QR code with `SafetyNumber.qr`. "others":
   * it is about other users. "none": it is no safety number.
   */
  compareSafety(text: string, mine: string): "same" | "different" | "others" | "none";
  /** The size of a text, and whether it can be sent. */
  measure(room: string, user: string, body: string): Measure;
  /** The browser's storage. `works`: everything so far is kept when the page is closed. */
  readonly storage: { readonly works: boolean; watch(listener: () => void): () => void };
  /** 2 to 32 of a-z 0-9 - _, starting with a letter or digit; user names must not be reserved. */
  isUserName(name: string): boolean;
  isRoomName(name: string): boolean;
  isNewRoomName(name: string): boolean;
  /** A thumbprint in groups of four for reading aloud. */
  fingerprint(thumbprint: string): string;
  /**
   * A QR code's modules, true is dark, without the quiet zone. Import it from
   * "../lib/qr", on demand.
   */
  qrMatrix(text: string): boolean[][];
}
