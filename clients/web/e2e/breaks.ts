// Nothing is lost when the stack stops or a key is replaced.
import { expect, test } from "vitest";
import { Person } from "./person";
import type { World } from "./world";

export function breaks(world: World): void {
  test("a stack that is killed and started again has lost nothing, and what was written meanwhile is sent", async () => {
    const { stack, browser } = world;
    const room = "crash";
    const [jon, kim] = await Promise.all(["jon", "kim"].map((name) => Person.enter(browser, stack.url, name))) as [Person, Person];
    await jon.openRoom(room);
    await kim.openRoom(room);
    await jon.say("before");
    await kim.sees("before");

    await stack.kill();
    await Promise.all([jon, kim].map((person) => person.page.getByText("Reconnecting. Your messages are kept and sent later.").waitFor()));
    await jon.write("while it was down");
    await jon.inState("while it was down", "queued");
    await jon.write("and one more");

    await stack.start();
    await jon.inState("and one more", "sent");
    await kim.sees("before", "while it was down", "and one more");
    await kim.say("after");
    await jon.sees("before", "while it was down", "and one more", "after");

    await Promise.all([jon, kim].map((person) => person.leave()));
  });

  test("rotated keys, the service's and a device's, are used at once, and all stays readable", async () => {
    const { stack, browser } = world;
    const room = "rotation";
    const [lou, mia] = await Promise.all(["lou", "mia"].map((name) => Person.enter(browser, stack.url, name))) as [Person, Person];
    await lou.openRoom(room);
    await mia.openRoom(room);
    await lou.say("under the first keys");

    await stack.rotateServerKey();
    await lou.receives("serverKey");
    await lou.say("under either");
    await lou.say("under another server key");
    await mia.page.getByRole("button", { name: "Devices" }).click();
    await mia.page.getByRole("button", { name: "Replace the key" }).click();
    await mia.page.getByText("Its generation is 2").waitFor();
    await mia.page.getByRole("button", { name: "Close" }).click();
    await lou.say("and to another device key");
    await stack.sotto(["send", "--user", "carol", "--room", room, "--", "and from a terminal"]);
    const all = ["under the first keys", "under either", "under another server key", "and to another device key", "and from a terminal"];
    await Promise.all([lou.sees(...all), mia.sees(...all)]);

    const keys = [];
    for (const text of all) keys.push(await keysOf(mia, text));
    const [first, , second, third, fourth] = keys as [Keys, Keys, Keys, Keys, Keys];
    expect(first.server).not.toBe(second.server);
    expect(first.device).toBe(second.device);
    expect(second.server).toBe(third.server);
    expect(second.device).not.toBe(third.device);
    expect(fourth).toEqual(third);

    await Promise.all([lou, mia].map((person) => person.leave()));
  });
}

interface Keys {
  server: string;
  device: string;
}

/** Returns the keys that a message was sealed to, from its dialog. */
async function keysOf(reader: Person, text: string): Promise<Keys> {
  await reader.message(text).getByRole("button", { name: /^About this message/ }).click();
  const dialog = reader.page.getByRole("dialog", { name: "About this message" });
  const after = (term: string) => dialog.locator(`dt:text-is("${term}") + dd`).innerText();
  const keys = { server: await after("Sealed by the sender to the server key"), device: await after("Sealed again to this device’s key") };
  await reader.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  return keys;
}
