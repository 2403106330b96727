// Times in the user's language and time zone.

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const withYear = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "medium" });

/** The time of day. */
export const time = (ms: number): string => clock.format(ms);

/** Date and time to the second. */
export const moment = (ms: number): string => exact.format(ms);

/** A number that is equal for two times if and only if they are on the same local day. */
export function dayOf(ms: number): number {
  const d = new Date(ms);
  return d.getFullYear() * 10_000 + d.getMonth() * 100 + d.getDate();
}

/** The name of a day: Today, Yesterday, or its date. */
export function dayName(ms: number, now = Date.now()): string {
  if (dayOf(ms) === dayOf(now)) return "Today";
  const before = new Date(now);
  before.setDate(before.getDate() - 1);
  if (dayOf(ms) === dayOf(before.getTime())) return "Yesterday";
  return (new Date(ms).getFullYear() === new Date(now).getFullYear() ? weekday : withYear).format(ms);
}
