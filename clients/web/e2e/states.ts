// Checks and screenshots of every state of the page (looks.ts).
import { test } from "vitest";
import { look } from "./looks";
import { Person, phone } from "./person";
import type { World } from "./world";

export function states(world: World): void {
  test("the way in", async () => {
    const { stack, browser } = world;
    await stack.sotto(["rooms", "--user", "quentin"]); // takes the name
    const quin = await Person.open(browser, stack.url, "quin");
    await quin.page.getByLabel("Your name").waitFor();
    await quin.page.getByText("Messages are deleted after 30 days").waitFor();
    await quin.page.getByText("The operator can read what is written").waitFor();
    await look(quin.page, "welcome");
    await quin.page.getByLabel("Your name").fill("quentin");
    await quin.page.getByRole("button", { name: "Start chatting" }).click();
    await quin.page.getByText("quentin is taken.").waitFor();
    await look(quin.page, "name-taken");
    await quin.page.getByRole("button", { name: "Link this browser" }).click();
    await quin.page.getByRole("img", { name: /linking code/ }).waitFor();
    await look(quin.page, "link-this-browser");
    await quin.leave();
  });

  test("the chat and what lies over it", async () => {
    const { stack, browser } = world;
    const room = "garden";
    const rosa = await Person.enter(browser, stack.url, "rosa");
    await rosa.openRoom(room);
    await rosa.page.getByText(`It is quiet in ${room}`).waitFor();
    await look(rosa.page, "empty-room");

    await rosa.say("Good morning! The seeds have come: https://example.com/seeds");
    await stack.sotto(["send", "--user", "theo", "--room", room, "-"], "Wonderful. Shall we meet at ten?\n\nI bring the spade and the long hose.");
    await stack.sotto(["send", "--user", "theo", "--room", room, "-"], "🌱🌞");
    await rosa.say("Ten is good.");
    await look(rosa.page, "chat");

    const { page } = rosa;
    const close = () => page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "About this message from theo" }).first().click();
    await page.getByText("Signature checked").waitFor();
    await look(page, "message");
    await page.getByRole("button", { name: "Compare safety numbers with theo" }).click();
    await page.getByRole("img", { name: /safety number/ }).waitFor();
    await look(page, "safety-number");
    await close();

    await page.getByRole("button", { name: /here$/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "theo" }).waitFor();
    await look(page, "people");
    await close();

    await page.getByRole("button", { name: "Emoji" }).click();
    await page.getByRole("group", { name: "Emoji" }).waitFor();
    await look(page, "emoji");
    await page.keyboard.press("Escape");

    for (const [button, ready, name] of [
      ["Devices", "This device,", "devices"],
      ["Settings", "Colours", "settings"],
      ["Help", "What the locks mean", "help"],
      ["Open a room", "Room", "open-room"],
    ] as const) {
      await page.getByRole("button", { name: button, exact: true }).click();
      await page.getByRole("dialog").getByText(ready).first().waitFor();
      await look(page, name);
      await close();
    }

    await page.setViewportSize(phone);
    await page.getByRole("button", { name: "Back to the rooms" }).click();
    await page.getByRole("navigation", { name: "Rooms" }).waitFor();
    await look(page, "rooms");
    await rosa.leave();
  });

  test("a known sender's new key, and no connection", async () => {
    const { stack, browser } = world;
    const room = "doubt";
    const [uma, vera] = await Promise.all(["uma", "vera"].map((name) => Person.enter(browser, stack.url, name))) as [Person, Person];
    await uma.openRoom(room);
    await vera.openRoom(room);
    await vera.say("from my first browser");
    await uma.sees("from my first browser");

    const second = await Person.open(browser, stack.url, "vera");
    await second.page.getByLabel("Your name").fill("vera");
    await second.page.getByRole("button", { name: "Start chatting" }).click();
    await second.page.getByRole("button", { name: "Link this browser" }).click();
    await second.linkFrom(vera, () => look(vera.page, "link-another"));
    await second.openRoom(room);
    await second.say("from my second browser");

    await uma.sees("from my first browser", "from my second browser");
    await uma.page.getByText("vera writes from a new device. Compare").waitFor();
    await look(uma.page, "new-key");

    await stack.kill();
    await uma.page.getByText("Reconnecting.").waitFor();
    await uma.write("for later");
    await look(uma.page, "reconnecting");
    await stack.start();
    await uma.inState("for later", "sent");
    await Promise.all([uma, vera, second].map((person) => person.leave()));
  });
}
