import type { ChatError, ErrorCode } from "./api";

/** What each code means and what to do: the codes of protocol §8 and of this library. */
const texts: Record<ErrorCode, string> = {
  bad_frame: "The service did not understand this client; reload the page.",
  unknown_action: "The service does not support this action; it may be older than this page.",
  frame_too_large: "The message is too long; shorten it.",
  handshake_required: "The service does not know this connection any more; try again.",
  already_bound: "The connection is already in use; try again.",
  bad_proof: "The service did not accept this device's proof; reload the page.",
  nonce_expired: "Signing in took too long; try again.",
  name_invalid: "A name has 2 to 32 characters of a-z, 0-9, - and _, starts with a letter or digit, and is not reserved.",
  name_taken: "This name is taken. If it is yours, link this device from one of your devices.",
  device_unknown: "This device is not linked, or its link has expired; create a new link.",
  device_revoked: "This device was removed by another of your devices; link it again as a new device.",
  stale_device_key: "The service has a newer key of this device; link it again as a new device.",
  key_unacceptable: "The service did not accept this device's key; update the browser.",
  version_unsupported: "The service speaks another version of the protocol than this page; reload the page.",
  bad_mac: "The service did not accept this page's frames; reload the page.",
  bad_envelope: "The service could not open the message; send it again.",
  stale_server_key: "The service has changed its key; send the message again.",
  bad_signature: "The service did not accept the signature; send it again.",
  session_mismatch: "The message was made for an earlier connection; send it again.",
  not_a_member: "You are not in this room. A closed room needs an invitation.",
  room_invalid: "There is no such room, or this is not possible with it.",
  user_unknown: "There is no user of this name.",
  room_taken: "There is an open room of this name already; choose another name, or join it.",
  not_allowed: "Your role in this room does not allow this.",
  not_fresh: "The clock of this computer is wrong; set it, then try again.",
  too_many_members: "A closed room has at most 200 members and open invitations.",
  too_many_rooms: "You are in 50 rooms, the maximum; leave one first.",
  too_many_devices: "You have 20 devices, the maximum; revoke one first.",
  body_too_large: "A message has at most 16,384 bytes; shorten it.",
  rate_limited: "Too many requests; wait a moment.",
  try_again: "This did not work; try again.",
  internal: "The service has a problem; try again.",
  offline: "The service cannot be reached; check your connection and that the service is running.",
  unproven: "An answer did not come from the service; someone may be in between. Trying again.",
  protocol: "The answer of the service is not valid; reload the page.",
  service_key_changed:
    "The key of this service is not the one pinned at first use. Someone may intercept your messages. If you know that the service was set up again, forget the old key.",
  key_set_older: "The keys of this service are older than before. If you know that it was restored from a backup, forget the old keys.",
  key_set_expired: "The keys of the service have expired; check the clock of this computer.",
  wrong_audience: "Another service answers at this address; check the address.",
  unsupported: "This browser cannot generate the keys that Sotto needs; use a newer browser, over https.",
  storage: "This browser could not store the change. Make some space or reload the page, then try again.",
  browser: "This page failed, not the service; reload the page.",
  closed: "The chat was closed.",
};

const retried: readonly ErrorCode[] = ["rate_limited", "try_again", "internal", "offline", "unproven", "storage", "browser"];

/**
 * All errors of the library. `keyset` is set for stale_server_key. `unproven`: the
 * service sent the error without proof that it is its own, before a session.
 */
export class SottoError extends Error implements ChatError {
  override readonly name = "SottoError";

  constructor(
    readonly code: ErrorCode,
    readonly retry = retried.includes(code),
    readonly keyset = "",
    readonly unproven = false,
  ) {
    super(texts[code]);
  }
}

/**
 * The error for a code from the service. A newer service may have codes that
 * this client does not know.
 */
export function wireError(code: string, retry: boolean, keyset = "", unproven = false): SottoError {
  const known = Object.hasOwn(texts, code);
  return new SottoError(known ? (code as ErrorCode) : retry ? "internal" : "protocol", retry, keyset, unproven);
}

/**
 * Converts any error to one of the library. What reads data of the service throws
 * protocol, so another error is one of the browser or of this page.
 */
export const asError = (cause: unknown): SottoError => (cause instanceof SottoError ? cause : new SottoError("browser"));
