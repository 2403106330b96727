// What happens while a message is being written.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { patience, Person, phone, wide } from "./person";
import type { World } from "./world";

export function writing(world: World): void {
  test("Enter that confirms a conversion sends nothing, in Safari's order of events too", async () => {
    const abe = await Person.enter(world.browser, world.stack.url, "abe");
    await abe.openRoom("conversion");
    await abe.composer.fill("にほん");
    for (const event of [
      { key: "Enter", keyCode: 229, isComposing: false }, // Safari: the composition has ended
      { key: "Enter", keyCode: 229, isComposing: true },
      { key: "k", keyCode: 229, isComposing: false, ctrlKey: true },
      { key: "ArrowUp", keyCode: 229, isComposing: false, altKey: true },
    ]) {
      await press(abe.page, event);
    }
    expect(await abe.composer.inputValue()).toBe("にほん");
    expect(await abe.page.getByRole("dialog").count()).toBe(0);
    await abe.page.getByRole("heading", { level: 1, name: "conversion" }).waitFor();
    await press(abe.page, { key: "Enter", keyCode: 13, isComposing: false });
    await abe.sees("にほん");
    await abe.leave();
  });

  test("the end of the room stays in view while several lines are written", async () => {
    const { stack, browser } = world;
    const room = "lines";
    const [bea, cem] = await Promise.all(["bea", "cem"].map((name) => Person.enter(browser, stack.url, name))) as [Person, Person];
    await bea.openRoom(room);
    await cem.openRoom(room);
    for (let i = 1; i <= 20; i++) await cem.write(`line ${i}`);
    await bea.inView("line 20");
    for (const size of [wide, phone]) {
      await bea.page.setViewportSize(size);
      await bea.inView("line 20");
      await bea.composer.focus();
      for (let i = 0; i < 5; i++) {
        await bea.page.keyboard.type("more");
        await bea.page.keyboard.press("Shift+Enter");
      }
      const text = `at a width of ${size.width}`;
      await cem.write(text);
      await bea.inView(text);
      expect(await bea.page.getByRole("button", { name: /Latest|new$/ }).count()).toBe(0);
      await bea.composer.fill("");
      await bea.inView(text);
      await cem.write(`${text}, and again`);
      await bea.inView(`${text}, and again`);
      await bea.page.setViewportSize(wide);
      await bea.inView(`${text}, and again`);
      await cem.write("line 20");
      await bea.composer.fill("");
    }

    // A reader who has scrolled up stays there.
    await bea.page.getByRole("region", { name: "Messages" }).evaluate((node) => (node.scrollTop = 0));
    await bea.page.getByRole("button", { name: "Latest" }).waitFor();
    await bea.composer.fill("one\ntwo\nthree\nfour");
    await cem.write("below");
    await bea.page.getByRole("button", { name: "1 new" }).waitFor();
    expect(await bea.page.getByRole("region", { name: "Messages" }).evaluate((node) => node.scrollTop)).toBeLessThan(100);
    await Promise.all([bea, cem].map((person) => person.leave()));
  });

  test("a half-written message is there after a reload, in its room, until it is sent", async () => {
    const ed = await Person.enter(world.browser, world.stack.url, "ed");
    await ed.composer.fill("for the lobby");
    await ed.openRoom("drafts");
    await ed.composer.fill("for the drafts,\nin two lines");
    await ed.page.reload();
    await expect.poll(() => ed.composer.inputValue(), { timeout: patience }).toBe("for the drafts,\nin two lines");
    await ed.page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "lobby" }).click();
    await expect.poll(() => ed.composer.inputValue(), { timeout: patience }).toBe("for the lobby");
    await ed.composer.press("Enter");
    await ed.inState("for the lobby", "sent");
    await ed.page.reload();
    await ed.page.getByRole("textbox", { name: "Message to lobby" }).waitFor();
    expect(await ed.composer.inputValue()).toBe("");
    await ed.leave();
  });

  test("a refusal is about the name that was refused, and capital letters are lowered", async () => {
    const { stack, browser } = world;
    const first = await Person.enter(browser, stack.url, "dag");
    const second = await Person.open(browser, stack.url, "dag2");
    const { page } = second;
    await page.getByLabel("Your name").fill("DAG");
    await page.getByRole("button", { name: "Start chatting" }).click();
    await page.getByText("dag is taken.").waitFor();
    await page.getByLabel("Your name").fill("Dag2");
    await page.getByText("is taken.").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Start chatting" }).click();
    await second.composer.waitFor();
    await page.getByRole("navigation", { name: "Rooms" }).getByText("dag2", { exact: true }).waitFor();
    await second.openRoom("Capital", "capital");
    await Promise.all([first, second].map((person) => person.leave()));
  });
}

interface Press {
  key: string;
  keyCode: number;
  isComposing: boolean;
  ctrlKey?: boolean;
  altKey?: boolean;
}

/** Presses a key in the composer as an input method or a browser reports it. */
async function press(page: Page, event: Press): Promise<void> {
  await page.locator("#composer").evaluate((node, init) => {
    node.dispatchEvent(new KeyboardEvent("keydown", { ...init, bubbles: true, cancelable: true }));
  }, event);
}

