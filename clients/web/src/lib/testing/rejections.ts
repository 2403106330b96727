/** Unhandled rejections of the code under test. */
import { afterEach, beforeEach } from "vitest";

/**
 * Collects the unhandled rejections of each test of the file. The returned
 * function waits until Node has reported those of promises that are settled by
 * now, and returns all so far.
 */
export function unhandledRejections(): () => Promise<unknown[]> {
  let found: unknown[] = [];
  let before: NodeJS.UnhandledRejectionListener[] = [];
  const collect = (reason: unknown): void => void found.push(reason);
  beforeEach(() => {
    found = [];
    before = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", collect);
  });
  afterEach(() => {
    process.off("unhandledRejection", collect);
    for (const listener of before) process.on("unhandledRejection", listener);
  });
  return async () => {
    // Node reports a rejection after the microtasks of the turn in which it happened.
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setTimeout(resolve, 10));
    return found;
  };
}
