// Opening, leaving and finding rooms.
import { expect, test } from "vitest";
import { look } from "./looks";
import { patience, Person, phone } from "./person";
import type { World } from "./world";

export function rooms(world: World): void {
  test("Enter on a part of a name opens a room of the user, and only the last entries join or create another", async () => {
    const ula = await Person.enter(world.browser, world.stack.url, "ula");
    const { page } = ula;
    await ula.openRoom("random");
    await ula.openRoom("garden-random");
    const field = page.getByRole("combobox", { name: "Room" });
    const selected = page.getByRole("option", { selected: true });
    const search = async (text: string) => {
      await page.keyboard.press("Control+k");
      await field.waitFor();
      await page.keyboard.type(text);
    };

    await search("ran");
    await expect.poll(() => page.getByRole("option").allInnerTexts()).toHaveLength(4);
    expect(await selected.innerText()).toMatch(/^#?\s*random$/);
    await look(page, "open-room-part");
    await page.keyboard.press("Enter");
    await ula.inRoom("random");
    expect(await page.getByRole("navigation", { name: "Rooms" }).getByRole("link").allInnerTexts()).toHaveLength(3);

    // The exact name is first, also if another name begins with it.
    await search("#Lobby");
    await page.keyboard.press("Enter");
    await ula.inRoom("lobby");

    // Nothing fits: the first Enter selects, and says what the second does.
    await search("ran");
    await field.fill("rhubarb");
    await page.getByText("You are in no room with this name.").waitFor();
    expect(await selected.count()).toBe(0);
    await page.keyboard.press("Enter");
    await page.getByText("Press Enter to join the open room rhubarb.").waitFor();
    expect(await selected.innerText()).toContain("Join the open room “rhubarb”");
    await look(page, "open-room-new");
    await ula.inRoom("lobby");
    await page.keyboard.press("Enter");
    await page.getByText("There is no open room rhubarb. You can create it.").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Create a room" });
    await dialog.waitFor();
    expect(await dialog.getByRole("radio", { name: "Closed" }).isChecked()).toBe(true);
    await look(page, "create-room");
    await dialog.getByRole("radio", { name: "Open" }).check();
    await page.keyboard.press("Enter");
    await ula.inRoom("rhubarb");

    // Where something fits, the entry that creates is last.
    await search("ran");
    await page.keyboard.press("ArrowUp");
    expect(await selected.innerText()).toContain("Create a room “ran”…");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });

    await search("x");
    await page.getByText("Use at least two characters.").waitFor();
    await look(page, "open-room-none");
    await page.keyboard.press("Enter");
    expect(await page.getByRole("dialog").count()).toBe(1);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await ula.leave();
  });

  test("leaving a room can be undone, with the text that was being written", async () => {
    const { stack, browser } = world;
    const lev = await Person.enter(browser, stack.url, "lev");
    const { page } = lev;
    await lev.openRoom("undo");
    await lev.say("stays");
    await lev.composer.fill("half a sentence");
    await page.getByRole("button", { name: "Leave undo" }).click();
    await lev.inRoom("lobby");
    const notice = page.getByRole("status", { name: "Notice" });
    await notice.getByText("You left undo.").waitFor();
    await look(page, "left-a-room");
    await notice.getByRole("button", { name: "Undo" }).click();
    await lev.inRoom("undo");
    await lev.sees("stays");
    expect(await lev.composer.inputValue()).toBe("half a sentence");
    await notice.getByText("You left undo.").waitFor({ state: "detached" });

    // With the keyboard the focus is on the button, and the notice stays meanwhile.
    await page.getByRole("button", { name: "Leave undo" }).press("Enter");
    await lev.inRoom("lobby");
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent), { timeout: patience }).toBe("Undo: join undo again");
    await page.keyboard.press("Escape");
    await notice.getByText("You left undo.").waitFor({ state: "detached" });
    await expect.poll(() => page.evaluate(() => document.activeElement?.id), { timeout: patience }).toBe("composer");
    expect(await page.getByRole("navigation", { name: "Rooms" }).getByRole("link").allInnerTexts()).toHaveLength(1);

    // Without a connection it fails, and says so.
    await lev.openRoom("undo");
    await stack.kill();
    await page.getByText("Reconnecting.").waitFor();
    await page.getByRole("button", { name: "Leave undo" }).click();
    await page.getByRole("alert").getByText("You are still in undo. There is no connection").waitFor();
    await stack.start();
    await lev.leave();
  });

  test("a room has an address, and Back and Forward move between rooms", async () => {
    const kay = await Person.enter(world.browser, world.stack.url, "kay");
    const { page } = kay;
    await kay.at("lobby");
    await kay.openRoom("first");
    await kay.at("first");
    await kay.openRoom("second");
    await page.getByRole("link", { name: "lobby" }).click();
    await kay.at("lobby");
    await page.goBack();
    await kay.at("second");
    await page.goBack();
    await kay.at("first");
    await page.goForward();
    await kay.at("second");
    await page.reload();
    await kay.at("second");

    // An address that is typed or followed.
    const go = (hash: string) => page.evaluate((to) => void (location.hash = to), hash);
    await go("#room/FIRST");
    await kay.at("first");
    await go("#room/no%20way");
    await page.getByRole("alert").getByText("#room/no way is not the address of a room. Use lower-case").waitFor();
    await kay.at("first");
    await page.getByRole("button", { name: "Dismiss" }).click();

    // A room that the user is not in: a question first.
    await go("#room/third");
    const question = page.getByRole("dialog", { name: "Join third?" });
    await question.getByText("can join an open room and read it").waitFor();
    await kay.inRoom("first");
    await look(page, "join-question");
    await page.getByRole("button", { name: "Not now" }).click();
    await kay.at("first");
    await go("#room/third");
    await question.waitFor();
    await page.goBack();
    await question.waitFor({ state: "detached" });
    await kay.at("first");
    await go("#room/third");
    await page.getByRole("button", { name: "Join third" }).click();
    await question.getByText("There is no open room third.").waitFor();
    await page.getByRole("button", { name: "Not now" }).click();
    const owner = await Person.enter(world.browser, world.stack.url, "owner-of-third");
    await owner.openRoom("third");
    await owner.leave();
    await kay.at("first");
    await go("#room/third");
    await page.getByRole("button", { name: "Join third" }).click();
    await kay.at("third");

    // A room that was left is no place to go back to.
    await page.getByRole("button", { name: "Leave third" }).click();
    await kay.at("lobby");
    await page.goBack();
    await kay.at("first");
    expect(await page.getByRole("dialog").count()).toBe(0);
    await kay.leave();
  });

  test("Back closes a dialog, and the list of rooms of a phone", async () => {
    const moe = await Person.enter(world.browser, world.stack.url, "moe");
    const { page } = moe;
    await page.setViewportSize(phone);
    await page.getByRole("button", { name: "Back to the rooms" }).click();
    await page.getByRole("button", { name: "Settings" }).click();
    const dialog = page.getByRole("dialog", { name: "Settings" });
    await dialog.waitFor();
    await page.goBack();
    await dialog.waitFor({ state: "detached" });
    const nav = page.getByRole("navigation", { name: "Rooms" });
    await nav.waitFor();
    await page.goBack();
    await nav.waitFor({ state: "hidden" });
    await moe.at("lobby");

    // What was closed by its own button needs no Back, and a room is a step back from the list.
    const before = await page.evaluate(() => history.length);
    await page.getByRole("button", { name: "Back to the rooms" }).click();
    await moe.openRoom("pocket");
    await moe.at("pocket");
    for (let i = 0; i < 3; i++) {
      await page.getByRole("button", { name: "Who is here" }).or(page.getByRole("button", { name: /here$/ })).click();
      await page.getByRole("button", { name: "Close" }).click();
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
    expect(await page.evaluate(() => history.length) - before).toBeLessThanOrEqual(3);
    await page.goBack();
    await moe.at("lobby");
    await moe.leave();
  });

  test("an address is followed after the way in, and is gone after signing out", async () => {
    const { stack, browser } = world;
    const nan = await Person.open(browser, `${stack.url}#room/deep`, "nan");
    const { page } = nan;
    await page.getByLabel("Your name").fill("nan");
    await page.getByRole("button", { name: "Start chatting" }).click();
    await page.getByRole("dialog", { name: "Join deep?" }).waitFor();
    await page.getByRole("button", { name: "Not now" }).click();
    await nan.openRoom("deep");
    await nan.at("deep");
    await page.goto("about:blank");
    await page.goto(`${stack.url}#room/lobby`);
    await nan.at("lobby");
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Continue as nan" }).waitFor();
    expect(await page.evaluate(() => location.hash)).toBe("");
    await page.getByRole("button", { name: "Continue as nan" }).click();
    await nan.at("lobby");
    await nan.leave();
  });

  test("a closed room: an invitation, the people in it, roles, and a removal", async () => {
    const { stack, browser } = world;
    const olga = await Person.enter(browser, stack.url, "olga");
    const pip = await Person.enter(browser, stack.url, "pip");
    await olga.page.getByRole("button", { name: "Open a room" }).click();
    await olga.page.getByRole("combobox", { name: "Room", exact: true }).fill("cellar");
    await olga.createRoom("Closed");
    await olga.page.getByRole("heading", { level: 1, name: "Closed room cellar" }).waitFor();
    await olga.say("before pip");
    await olga.page.getByText("olga created the room cellar").waitFor();

    // Pip sees the invitation at once, and accepts it.
    const people = async (person: Person) => {
      await person.page.getByRole("button", { name: "Who is here" }).or(person.page.getByRole("button", { name: /here$/ })).click();
      return person.page.getByRole("dialog", { name: "People in cellar" });
    };
    let dialog = await people(olga);
    await dialog.getByLabel("Invite a user").fill("Nobody-Of-This-Name");
    await dialog.getByRole("button", { name: "Invite" }).click();
    await dialog.getByText("There is no user of this name.").waitFor();
    await dialog.getByLabel("Invite a user").fill("pip");
    await dialog.getByRole("button", { name: "Invite" }).click();
    await dialog.getByText("pip is invited.").waitFor();
    await look(olga.page, "closed-room-people");
    await olga.page.keyboard.press("Escape");
    await look(pip.page, "invitation");
    await pip.page.getByRole("button", { name: "Accept the invitation to cellar" }).click();
    await pip.page.getByRole("heading", { level: 1, name: "Closed room cellar" }).waitFor();
    await olga.page.getByText("pip joined").waitFor();
    await olga.say("after pip");
    await pip.sees("after pip");
    expect(await pip.message("before pip").count()).toBe(0);
    await pip.page.reload();
    await pip.page.getByRole("heading", { level: 1, name: "Closed room cellar" }).waitFor();

    dialog = await people(olga);
    await dialog.getByLabel("Role of pip").selectOption("moderator");
    await dialog.getByText("pip has another role.").waitFor();
    await pip.page.getByText("olga made pip a moderator").waitFor();
    await dialog.getByRole("button", { name: "Remove pip from the room" }).click();
    await dialog.getByText("pip is no longer a member.").waitFor();
    await pip.page.getByRole("alert").getByText("You are no longer a member of cellar.").waitFor();
    await pip.inRoom("lobby");
    expect(await pip.page.getByRole("navigation", { name: "Rooms" }).getByRole("link").allInnerTexts()).toHaveLength(1);
    await Promise.all([olga, pip].map((person) => person.leave()));
  });
}
