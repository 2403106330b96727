// People in one room: messages, their order, typing and marks.
import { expect, test } from "vitest";
import { patience, Person } from "./person";
import type { World } from "./world";

export function together(world: World): void {
  test("two browsers and a terminal client talk in one room, and who comes late reads all of it", async () => {
    const { stack, browser } = world;
    const room = "together";
    const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => Person.enter(browser, stack.url, name))) as [Person, Person];
    await ada.openRoom(room);
    await bob.openRoom(room);
    await bob.page.getByRole("button", { name: "2 here" }).waitFor();

    await ada.say("hello from a browser");
    await bob.sees("hello from a browser");
    await stack.sotto(["send", "--user", "carol", "--room", room, "-"], "hello from a terminal");
    await bob.say("and from another browser");
    const all = ["hello from a browser", "hello from a terminal", "and from another browser"];
    await Promise.all([ada.sees(...all), bob.sees(...all)]);

    const heard = await stack.sotto(["listen", "--user", "carol", "--room", room, "--since", "0", "--count", "3", "--json", "--timeout", "30s"]);
    const lines = heard.trim().split("\n").map((line) => JSON.parse(line) as { from: string; body: string });
    expect(lines.map(({ from, body }) => [from, body])).toEqual([["ada", all[0]], ["carol", all[1]], ["bob", all[2]]]);

    const dora = await Person.enter(browser, stack.url, "dora");
    await dora.openRoom(room);
    await dora.sees(...all);

    await Promise.all([ada, bob, dora].map((person) => person.leave()));
  });

  test("they see who types, who has read, and what is new elsewhere", async () => {
    const { stack, browser } = world;
    const room = "hints";
    const [eva, finn] = await Promise.all(["eva", "finn"].map((name) => Person.enter(browser, stack.url, name))) as [Person, Person];
    await eva.openRoom(room);
    await finn.openRoom(room);

    await finn.composer.pressSequentially("I am wri");
    await eva.page.getByText("finn is typing…").waitFor();
    await finn.composer.fill("");

    await eva.say("who has read this?");
    await eva.page.getByText("Read by finn").waitFor();

    await finn.page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "lobby" }).click();
    await finn.page.getByRole("heading", { level: 1, name: "lobby" }).waitFor();
    await eva.say("you are away");
    await finn.page.getByRole("link", { name: `${room}, 1 unread` }).click();
    await finn.sees("who has read this?", "you are away");
    await finn.page.getByRole("link", { name: room, exact: true }).waitFor();

    await Promise.all([eva, finn].map((person) => person.leave()));
  });

  test("a reload in the middle of a send sends it once", async () => {
    const { stack, browser } = world;
    const room = "reload";
    const [gus, hana] = await Promise.all(["gus", "hana"].map((name) => Person.enter(browser, stack.url, name))) as [Person, Person];
    await gus.openRoom(room);
    await hana.openRoom(room);

    await stack.faults({ kind: "lambda.hold", target: "local-SendMessageFunction", count: 1, delay: "20s" });
    await gus.write("in the middle");
    await gus.inState("in the middle", "sending");
    await gus.page.reload();
    await gus.inState("in the middle", "sent");
    await stack.faults();
    await gus.say("afterwards");
    await Promise.all([gus.sees("in the middle", "afterwards"), hana.sees("in the middle", "afterwards")]);
    const told = await stack.sotto(["listen", "--user", "carol", "--room", room, "--since", "0", "--count", "2", "--json", "--timeout", "30s"]);
    expect(told.trim().split("\n").map((line) => (JSON.parse(line) as { body: string }).body)).toEqual(["in the middle", "afterwards"]);

    await Promise.all([gus, hana].map((person) => person.leave()));
  });

  test("the keyboard alone is enough", async () => {
    const { stack, browser } = world;
    const room = "keys";
    const iris = await Person.open(browser, stack.url, "iris");
    const { page } = iris;
    await page.getByLabel("Your name").waitFor();
    await page.keyboard.type("iris");
    await page.keyboard.press("Enter");
    await page.getByRole("textbox", { name: "Message to lobby" }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog", { name: "Open a room" }).waitFor();
    await page.keyboard.type(room);
    await page.keyboard.press("Enter");
    await page.getByText(`Press Enter to join the open room ${room}.`).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Create a room" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("textbox", { name: `Message to ${room}` }).waitFor();
    await page.keyboard.type("without a mouse");
    await page.keyboard.press("Enter");
    const message = page.locator("[data-message]");
    await expect.poll(() => message.getAttribute("data-state"), { timeout: patience }).toBe("sent");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "About this message" }).getByText("Signature checked").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await iris.leave();
  });
}
