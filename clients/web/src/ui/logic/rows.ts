// Turns a timeline's entries into the rows on the screen: days, the "New" mark,
// and messages grouped under one name.

import type { Change, Entry, Gap, Message } from "../../lib";
import { dayName, dayOf } from "./when";

export type Row =
  | { kind: "day"; key: string; name: string }
  | { kind: "new"; key: string }
  | { kind: "gap"; key: string; gap: Gap }
  | { kind: "change"; key: string; change: Change }
  | { kind: "message"; key: string; message: Message; first: boolean; last: boolean };

/** The longest pause, in ms, between messages of one group. */
const TOGETHER = 5 * 60_000;

/**
 * Returns the rows for `entries[from..to)`. It also uses the entry before `from`,
 * so that a row does not depend on where the window begins.
 */
export function rows(entries: readonly Entry[], from: number, to: number, newAfter: number): Row[] {
  const out: Row[] = [];
  const firstNew = newAfter > 0 ? entries.findIndex((entry) => isNew(entry, newAfter)) : -1;
  let before = entries[from - 1];
  for (let i = from; i < to; i++) {
    const entry = entries[i];
    if (entry === undefined) break;
    const newHere = i === firstNew;
    if (entry.kind !== "gap" && (before === undefined || before.kind === "gap" || dayOf(before.at) !== dayOf(entry.at))) {
      const day = lastDay(entries, i);
      if (day !== dayOf(entry.at)) out.push({ kind: "day", key: `day ${entry.key}`, name: dayName(entry.at) });
    }
    if (newHere) out.push({ kind: "new", key: "new" });
    if (entry.kind === "gap") {
      out.push({ kind: "gap", key: entry.key, gap: entry });
    } else if (entry.kind === "change") {
      out.push({ kind: "change", key: entry.key, change: entry });
    } else {
      const next = entries[i + 1];
      out.push({
        kind: "message",
        key: entry.key,
        message: entry,
        first: newHere || before === undefined || !together(before, entry),
        last: next === undefined || !together(entry, next),
      });
    }
    before = entry;
  }
  return out;
}

function isNew(entry: Entry, newAfter: number): boolean {
  return entry.seq !== undefined && entry.seq > newAfter && !(entry.kind !== "gap" && entry.own);
}

function together(a: Entry, b: Entry): boolean {
  return (
    a.kind === "message" &&
    b.kind === "message" &&
    a.from === b.from &&
    !b.newDevice &&
    b.at - a.at < TOGETHER &&
    dayOf(a.at) === dayOf(b.at)
  );
}

/** The day of the last entry with a time before `index`. */
function lastDay(entries: readonly Entry[], index: number): number {
  for (let i = index - 1; i >= 0; i--) {
    const entry = entries[i];
    if (entry !== undefined && entry.kind !== "gap") return dayOf(entry.at);
  }
  return 0;
}

/** The delivery state of one of the user's own messages. */
export interface Progress {
  label: string;
  icon: "clock" | "check" | "checks" | "warn";
  read: boolean;
}

/**
 * Returns the delivery state of an own message, from the marks of other users.
 * After the connection has `ended` for good, nothing is sent any more.
 */
export function progress(message: Message, marks: Readonly<Record<string, { delivered: number; read: number }>>, ended: boolean): Progress {
  switch (message.state) {
    case "queued":
    case "sending":
      if (ended) return { label: "Not sent", icon: "warn", read: false };
  }
  switch (message.state) {
    case "queued":
      return { label: "Waiting for a connection", icon: "clock", read: false };
    case "sending":
      return { label: "Sending", icon: "clock", read: false };
    case "failed":
      return { label: "Not sent", icon: "warn", read: false };
  }
  const seq = message.seq ?? Infinity;
  const by = (reached: "read" | "delivered") =>
    Object.entries(marks)
      .filter(([, mark]) => mark[reached] >= seq)
      .map(([user]) => user);
  const read = by("read");
  if (read.length > 0) return { label: `Read by ${some(read)}`, icon: "checks", read: true };
  const delivered = by("delivered");
  if (delivered.length > 0) return { label: `Delivered to ${some(delivered)}`, icon: "checks", read: false };
  return { label: "Sent", icon: "check", read: false };
}

/** A few names in a sentence: "bob", "bob and carol", "bob, carol and 3 others". */
export function some(names: readonly string[]): string {
  const [a, b, c] = names;
  if (names.length <= 1) return a ?? "";
  if (names.length === 2) return `${a} and ${b}`;
  if (names.length === 3) return `${a}, ${b} and ${c}`;
  return `${a}, ${b} and ${names.length - 2} others`;
}

/** An operation on a closed room as a sentence. */
export function changeText(change: Change): string {
  const { from, user = "", role = "member" } = change;
  const article = role === "owner" ? "an owner" : `a ${role}`;
  switch (change.op) {
    case "create":
      return `${from} created the room ${change.name ?? ""}`;
    case "invite":
      return `${from} invited ${user}`;
    case "accept":
      return `${from} joined`;
    case "decline":
      return user === "" ? `${from} declined the invitation` : `${from} took back the invitation of ${user}`;
    case "remove":
      return `${from} removed ${user}`;
    case "leave":
      return `${from} left`;
    case "role":
      return `${from} made ${user} ${article}`;
  }
}
