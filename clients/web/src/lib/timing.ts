/** Every duration of the client in milliseconds, so that tests can shrink them. */
export interface Timing {
  /** Until an answer counts as lost, and the connection with it. */
  reply: number;
  /** Until a connection counts as failed: cold starts of every function on the way are in it. */
  dial: number;
  /** Between two pings: API Gateway closes a connection after ten idle minutes. */
  ping: number;
  /** A message may be overtaken by its successor for that long: functions post in parallel. */
  grace: number;
  /** A connection that lived this long starts back-off anew. */
  steady: number;
  /** Between two hints of one kind in a room. */
  hint: number;
  /** How long somebody counts as typing. */
  typing: number;
  retry: Backoff;
  reconnect: Backoff;
}

export interface Backoff {
  first: number;
  most: number;
}

export const defaultTiming: Timing = {
  reply: 15_000,
  dial: 30_000,
  ping: 5 * 60_000,
  grace: 200,
  steady: 30_000,
  hint: 3_000,
  typing: 6_000,
  retry: { first: 250, most: 8_000 },
  reconnect: { first: 250, most: 30_000 },
};

/** How often one request is sent because the service asked for it: half a minute in all. */
export const tries = 9;

/** How long to wait before try n, from 0: between half of the nominal time and all of it, so that not all clients come back at once. */
export function delay({ first, most }: Backoff, n: number): number {
  const nominal = Math.min(most, first * 2 ** Math.min(n, 30));
  return nominal / 2 + Math.random() * (nominal / 2);
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
