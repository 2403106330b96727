/** Converts opened messages to entries of a timeline. */
import type { Change, Message } from "./api";
import type { Opened } from "./device";

/** `self` is the user and device that read the message, and the service key. */
export function shown(opened: Opened, self: { user: string; device: string; serviceKey: string }): Message | Change {
  const { room, id, from, device, body, operation, seq, storedAt, skid, kid, newDevice } = opened;
  const key = `${device}.${id}`;
  if (operation) return { kind: "change", key, room, seq, from, device, own: from === self.user, at: storedAt, newDevice, ...operation };
  return {
    kind: "message",
    key,
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
