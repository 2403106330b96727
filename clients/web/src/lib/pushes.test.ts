import { expect, test } from "vitest";
import { Pushes, pushWindow } from "./pushes";

test("a push is fresh once, near the service's time", () => {
  let now = 5000;
  const pushes = new Pushes(() => now);
  const take = (n: string, at: number): string => pushes.take({ n, at });
  expect(take("a", 0)).toBe("late"); // the service's time is not known yet
  const service = 1_800_000_000_000;
  pushes.anchor(service);
  expect(take("a", service)).toBe("fresh");
  expect(take("a", service)).toBe("again");
  expect(take("a", service + 1)).toBe("again");
  expect(take("b", service)).toBe("fresh");
  expect(take("c", service + pushWindow + 1)).toBe("late");
  expect(take("c", service - pushWindow - 1)).toBe("late");
  expect(take("", service)).toBe("again");
  expect(() => pushes.take({ n: 7, at: service })).toThrow();
  now += 3_600_000;
  expect(take("c", service)).toBe("late");
  expect(take("c", service + 3_600_000)).toBe("fresh");
});

test("no number is forgotten while it could be replayed", () => {
  let now = 0;
  const pushes = new Pushes(() => now);
  pushes.anchor(0);
  for (let n = 0; n < 4096; n++) expect(pushes.take({ n: String(n), at: 0 })).toBe("fresh");
  expect(pushes.take({ n: "0", at: 0 })).toBe("again");
  expect(pushes.take({ n: "one more", at: 0 })).toBe("again");
  now = 2 * pushWindow + 1;
  expect(pushes.take({ n: "later", at: now })).toBe("fresh");
});
