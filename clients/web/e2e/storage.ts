// The browser's storage fails: the chat goes on and says so.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { patience, Person } from "./person";
import type { World } from "./world";

const refused = "This browser refused to store your keys.";
const silent = "This browser’s storage is full or does not answer.";

/** Each breaks the storage before the page is loaded. */
const broken: [string, string, () => void, notice: string][] = [
  [
    "gil",
    "site data that is blocked",
    () => {
      for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
        Object.defineProperty(window, name, {
          get: () => {
            throw new DOMException("denied", "SecurityError");
          },
        });
      }
    },
    refused,
  ],
  [
    "hal",
    "settings that are full",
    () => {
      Storage.prototype.setItem = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    },
    "",
  ],
  ["ina", "a database that never answers", () => void (IDBFactory.prototype.open = () => new EventTarget() as IDBOpenDBRequest), refused],
  [
    "jan",
    "a database that is full",
    () => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    },
    refused,
  ],
];

export function storage(world: World): void {
  test.each(broken)("%s chats with %s", async (name, _, breakIt, notice) => {
    const person = await Person.open(world.browser, world.stack.url, name, breakIt);
    const { page } = person;
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Start chatting" }).click();
    await person.composer.waitFor();
    await person.openRoom(`storage-${name}`);
    await person.say("all the same");
    if (notice === "") expect(await page.getByText(/This browser/).count()).toBe(0);
    else await page.getByText(notice).waitFor();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByText("Dark", { exact: true }).click();
    await page.getByRole("button", { name: "Close" }).click();
    await person.leave();
  });

  test("a database that is lost is opened again; one that fails for good ends nothing, also through a reconnect", async () => {
    const { stack, browser } = world;
    const kai = await Person.open(browser, stack.url, "kai", () => {
      const open = IDBDatabase.prototype.transaction;
      const all = new Set<IDBDatabase>();
      IDBDatabase.prototype.transaction = function (...how) {
        all.add(this);
        if ("fails" in window) throw new DOMException("the connection is closing", "InvalidStateError");
        return open.apply(this, how);
      };
      Object.assign(window, { lose: () => all.forEach((db) => db.close()) });
    });
    const { page } = kai;
    await page.getByLabel("Your name").fill("kai");
    await page.getByRole("button", { name: "Start chatting" }).click();
    await kai.composer.waitFor();
    await kai.openRoom("lost");
    await run(page, "lose");
    await kai.say("one");
    await run(page, "lose");
    await kai.composer.fill("two");
    expect(await page.getByText(/This browser/).count()).toBe(0);

    await page.evaluate(() => void Object.assign(window, { fails: true }));
    await kai.say("three");
    await page.getByText(silent).waitFor();
    await stack.kill();
    await page.getByText("Reconnecting.").waitFor();
    await stack.start();
    await kai.write("four");
    await kai.inState("four", "sent");
    await kai.composer.fill("five");

    await page.evaluate(() => Reflect.deleteProperty(window, "fails"));
    await page.getByText(silent).waitFor({ state: "detached" });
    await page.reload();
    await kai.sees("one", "three", "four");
    await expect.poll(() => kai.composer.inputValue(), { timeout: patience }).toBe("five");
    await kai.leave();
  });
}

/** Calls a function of the page. */
const run = (page: Page, name: string): Promise<void> => page.evaluate((of) => (window as unknown as Record<string, () => void>)[of]!(), name);
