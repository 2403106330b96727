/** All durations of the client in milliseconds, so that tests can shorten them. */
export interface Timing {
  /** Until an answer counts as lost, which ends the connection. */
  reply: number;
  /** Until a connection counts as failed; includes cold starts of all functions involved. */
  dial: number;
  /** Between two pings: API Gateway closes a connection after ten idle minutes. */
  ping: number;
  /** How long to wait for a message that a later one has overtaken: functions post in parallel. */
  grace: number;
  /** A connection that lasted this long resets the back-off. */
  steady: number;
  /** Between two hints of one kind in a room. */
  hint: number;
  /** Between two answers to users who ask for marks. */
  answer: number;
  /** How long a user counts as typing. */
  typing: number;
  /** The shortest time between two requests for the invitations. */
  invitations: number;
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
  answer: 30_000,
  typing: 6_000,
  invitations: 30_000,
  retry: { first: 250, most: 8_000 },
  reconnect: { first: 250, most: 30_000 },
};

/** How often a request is retried because the service asked for it: for half a minute in total. */
export const tries = 9;

/**
 * The pause before attempt n, from 0: between half of the nominal pause and all
 * of it, so that clients do not reconnect all at once.
 */
export function delay({ first, most }: Backoff, n: number): number {
  const nominal = Math.min(most, first * 2 ** Math.min(n, 30));
  return nominal / 2 + Math.random() * (nominal / 2);
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
