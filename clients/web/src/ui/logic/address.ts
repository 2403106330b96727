// The address of a room in this page: #room/NAME.

import { NAME, nameFrom, nameProblem } from "./text";

/** The address of a room, for links and for the browser's history. */
export const roomAddress = (room: string): string => `#room/${room}`;

/** The id of a closed room. */
const CLOSED = /^~[A-Za-z0-9_-]{22}$/;

/** What the part after # says: a room, nothing, or a problem as a sentence. */
export type Place = { room: string } | { problem: string } | null;

/** Reads an address. Capital letters in a name are lowered, as in the fields. */
export function readAddress(hash: string): Place {
  if (hash === "" || hash === "#") return null;
  let rest: string;
  try {
    rest = decodeURIComponent(hash.replace(/^#/, ""));
  } catch {
    rest = hash.replace(/^#/, "");
  }
  const shown = `#${rest.slice(0, 60)}${rest.length > 60 ? "…" : ""}`;
  if (!rest.startsWith("room/")) return { problem: `This page has no ${shown}. The address of a room is #room/NAME.` };
  const id = rest.slice("room/".length);
  if (CLOSED.test(id)) return { room: id };
  const room = nameFrom(id);
  if (!NAME.test(room)) return { problem: `${shown} is not the address of a room. ${nameProblem(room)}` };
  return { room };
}
