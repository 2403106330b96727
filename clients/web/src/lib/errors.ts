import type { ChatError, ErrorCode } from "./api";

/** What each code means to a person, and what to do; protocol §8 and this library's own. */
const texts: Record<ErrorCode, string> = {
  bad_frame: "The service did not understand this client; reload the page.",
  unknown_action: "The service does not know this; it may be older than this page.",
  frame_too_large: "The message is too long to be sent; shorten it.",
  handshake_required: "The connection was forgotten by the service; try again.",
  already_bound: "The connection is in use already; try again.",
  bad_proof: "The service did not accept this device's proof; reload the page.",
  nonce_expired: "Signing in took too long; try again.",
  name_invalid: "A name has 2 to 32 characters of a-z, 0-9, - and _, begins with a letter or digit, and is not reserved.",
  name_taken: "This name belongs to somebody else. If it is yours, link this device from one that you have.",
  device_unknown: "This device is not linked, or its link has expired; make a new one.",
  device_revoked: "This device was revoked by another of your devices.",
  stale_device_key: "This device's key was replaced elsewhere; reload the page.",
  key_unacceptable: "The service did not accept this device's key; update the browser.",
  bad_envelope: "The message could not be opened by the service; send it again.",
  stale_server_key: "The service has changed its key; send it again.",
  bad_signature: "The service did not accept the signature; send it again.",
  session_mismatch: "The message was made for an earlier connection; send it again.",
  not_a_member: "You are not in this room; join it first.",
  room_invalid: "There is no such room, or this cannot be done with it.",
  too_many_rooms: "You are in 50 rooms, which is the most; leave one first.",
  too_many_devices: "You have 20 devices, which is the most; revoke one first.",
  body_too_large: "A message has at most 16,384 bytes; shorten it.",
  rate_limited: "Too much at once; wait a little.",
  try_again: "This did not work just now; try again.",
  internal: "Something went wrong at the service; try again.",
  offline: "The service cannot be reached; check the connection and that it runs.",
  protocol: "The service said something that this client does not understand; reload the page.",
  service_key_changed:
    "This service has another key than the one trusted since the first use. Somebody may be in between. If it was set up anew, and you know that, forget the old one.",
  key_set_older: "The service shows older keys than before. If it was restored from a backup, and you know that, forget the old ones.",
  key_set_expired: "The service's keys have expired; check this computer's clock.",
  wrong_audience: "Another service answers at this address; check the address.",
  unsupported: "This browser cannot make the keys that Sotto needs; use a newer one, over https.",
  closed: "The chat was closed.",
};

const retried: readonly ErrorCode[] = ["rate_limited", "try_again", "internal", "offline"];

/** The library's one kind of error. `keyset` comes with stale_server_key. */
export class SottoError extends Error implements ChatError {
  override readonly name = "SottoError";

  constructor(
    readonly code: ErrorCode,
    readonly retry = retried.includes(code),
    readonly keyset = "",
  ) {
    super(texts[code]);
  }
}

/** The error for a code that came over the wire; a later service may know more codes than this client. */
export function wireError(code: string, retry: boolean, keyset = ""): SottoError {
  const known = Object.hasOwn(texts, code);
  return new SottoError(known ? (code as ErrorCode) : retry ? "internal" : "protocol", retry, keyset);
}

/** Any failure as one of the library's. What is none is a fault in what the service said. */
export const asError = (cause: unknown): SottoError => (cause instanceof SottoError ? cause : new SottoError("protocol"));
