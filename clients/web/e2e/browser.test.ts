// The page in real browsers, with the real local stack. Each part has its own
// users and rooms; all share one stack.
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { anew } from "./anew";
import { breaks } from "./breaks";
import { launch } from "./chromium";
import { hostile } from "./hostile";
import { screenshots } from "./looks";
import { marks } from "./marks";
import { Person } from "./person";
import { removed } from "./removed";
import { rooms } from "./rooms";
import { scan } from "./scan";
import { sight } from "./sight";
import { build, Stack } from "./stack";
import { states } from "./states";
import { storage } from "./storage";
import { together } from "./together";
import type { World } from "./world";
import { writing } from "./writing";

const world = { stack: new Stack() } as World;

beforeAll(async () => {
  await build();
  await world.stack.start();
  world.browser = await launch();
});

// A person who is still present after a test is there because the test failed.
afterEach(async () => {
  for (const [i, person] of [...Person.present].entries()) {
    await person.page.screenshot({ path: join(screenshots, `failed-${i + 1}-${person.name}.png`) });
    await person.context.close();
  }
  Person.present.clear();
});

afterAll(async () => {
  await world.browser?.close();
  await world.stack.stop();
});

describe("together", () => together(world));
describe("what breaks", () => breaks(world));
describe("rooms", () => rooms(world));
describe("marks", () => marks(world));
describe("removed", () => removed(world));
describe("scan", () => scan(world));
describe("hostile texts", () => hostile(world));
describe("sight", () => sight(world));
describe("states", () => states(world));
describe("storage", () => storage(world));
describe("writing", () => writing(world));
describe("anew", () => anew(world));
