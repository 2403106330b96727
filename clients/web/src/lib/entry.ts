/** Converts opened messages to entries of a timeline. */
import type { Message } from "./api";
import type { Opened } from "./device";

/** `self` is the user and device that read the message, and the service key. */
export function shown(opened: Opened, self: { user: string; device: string; serviceKey: string }): Message {
  const { room, id, from, device, body, seq, storedAt, skid, kid, newDevice } = opened;
  return {
    kind: "message",
    key: `${device}.${id}`,
    room,
    id,
    from,
    device,
    body,
    own: from === self.user,
    state: device === self.device ? "sent" : "received",
    seq,
    at: storedAt,
    newDevice,
    provenance: { senderDevice: device, signatureChecked: true, serverKey: skid, deviceKey: kid, serviceKey: self.serviceKey },
  };
}
