// A device that was removed, and every other refusal, leave the user something to do.
import { expect, test } from "vitest";
import { look } from "./looks";
import { patience, Person } from "./person";
import type { World } from "./world";

/** Answers of the service to a handshake that end the attempt, and a button that each must offer. */
const refusals: [code: string, button: string][] = [
  ["name_invalid", "Use another name"],
  ["name_taken", "Link this browser"],
  ["device_unknown", "Link this browser"],
  ["device_revoked", "Link it again as a new device"],
  ["stale_device_key", "Link it again as a new device"],
  ["key_unacceptable", "Reload the page"],
  ["bad_proof", "Reload the page"],
  ["bad_frame", "Reload the page"],
  ["unknown_action", "Reload the page"],
  ["too_many_devices", "Try again"],
  ["rate_limited", "Try again"],
  ["internal", "Try again"],
  ["a_code_of_a_newer_service", "Reload the page"],
];

export function removed(world: World): void {
  test("a removed browser has no composer, says what happened, and can be linked again", async () => {
    const { stack, browser } = world;
    const wim = await Person.enter(browser, stack.url, "wim");
    await wim.openRoom("removal");
    await wim.say("from the first browser");
    const second = await secondBrowser(world, wim);
    await second.openRoom("removal");
    await second.say("from the second browser");
    await second.composer.fill("half a sentence");

    await removeOther(wim);
    const alert = second.page.getByRole("alert").filter({ hasText: "This browser was removed from the devices of wim." });
    await alert.getByText("You can read what is loaded here until you close the page.").waitFor();
    await second.composer.waitFor({ state: "detached" });
    await second.page.getByText("The text that you were writing is kept.").waitFor();
    expect(await second.page.getByRole("button", { name: "Leave removal" }).count()).toBe(0);
    await second.sees("from the first browser", "from the second browser");
    await look(second.page, "removed");
    await second.page.getByRole("link", { name: "lobby" }).click();
    await second.inRoom("lobby");
    await second.page.getByRole("link", { name: "removal" }).click();
    await second.sees("from the first browser", "from the second browser");

    await alert.getByRole("button", { name: "Link it again as a new device" }).click();
    await second.linkFrom(wim);
    await second.at("removal");
    expect(await second.composer.inputValue()).toBe("half a sentence");
    await second.say("from the new device");
    await wim.sees("from the first browser", "from the second browser", "from the new device");
    await Promise.all([wim, second].map((person) => person.leave()));
  });

  test("a browser that was removed while it was closed sends what it kept, once it is linked again", async () => {
    const { stack, browser } = world;
    const xia = await Person.enter(browser, stack.url, "xia");
    const second = await secondBrowser(world, xia);
    await stack.kill();
    await second.page.getByText("Reconnecting.").waitFor();
    await second.write("for later");
    await second.inState("for later", "queued");
    await second.page.goto("about:blank");
    await stack.start();
    await removeOther(xia);

    await second.page.goto(stack.url);
    const alert = second.page.getByRole("alert").filter({ hasText: "This browser was removed from the devices of xia." });
    await alert.waitFor();
    await look(second.page, "removed-before");
    await alert.getByRole("button", { name: "Use another name" }).click();
    expect(await second.page.evaluate(() => (document.activeElement as HTMLInputElement).labels?.[0]?.textContent)).toBe("Your name");
    await second.page.getByRole("button", { name: "Continue as xia" }).click();
    await alert.getByRole("button", { name: "Link it again as a new device" }).click();
    await second.linkFrom(xia);
    await second.inState("for later", "sent");

    // The user may as well give up the name in this browser.
    await removeOther(xia);
    await second.page.getByRole("button", { name: "Forget xia here" }).click();
    await second.page.getByRole("button", { name: "Press again to delete the keys and unsent messages" }).click();
    await second.page.getByLabel("Your name").waitFor();
    expect(await second.page.getByRole("button", { name: "Continue as xia" }).count()).toBe(0);
    await Promise.all([xia, second].map((person) => person.leave()));
  });

  test("every refusal of the service has a button that helps", async () => {
    const yui = await Person.open(world.browser, world.stack.url, "yui");
    const { page } = yui;
    let code = "";
    await page.routeWebSocket(/\/local$/, (socket) => {
      socket.onMessage((data) => {
        const { ref } = JSON.parse(String(data)) as { ref: string };
        socket.send(JSON.stringify({ type: "error", ref, code, message: "", retry: false }));
      });
    });
    await page.reload();
    for (const [answer, button] of refusals) {
      code = answer;
      await page.getByLabel("Your name").fill(`yui${answer.length}`);
      await page.getByRole("button", { name: "Start chatting" }).click();
      const found = page.getByRole("alert").getByRole("button", { name: button, exact: true });
      await expect.poll(() => found.count(), { timeout: patience, message: `the button after ${answer}` }).toBe(1);
      await page.reload();
    }
    await yui.leave();
  });
}

/** Another browser of the same person, linked. */
async function secondBrowser({ browser, stack }: World, first: Person): Promise<Person> {
  const second = await Person.open(browser, stack.url, `${first.name}-second`);
  await second.page.getByLabel("Your name").fill(first.name);
  await second.page.getByRole("button", { name: "Start chatting" }).click();
  await second.page.getByRole("button", { name: "Link this browser" }).click();
  await second.linkFrom(first);
  return second;
}

/** Removes the only other device of a person. */
async function removeOther(from: Person): Promise<void> {
  const { page } = from;
  await page.getByRole("button", { name: "Devices" }).click();
  await page.getByRole("button", { name: "Revoke this device" }).click();
  await page.getByRole("button", { name: "Press again to revoke it permanently" }).click();
  await page.getByRole("button", { name: "Revoke this device" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Close" }).click();
}
