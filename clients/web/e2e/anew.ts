// The service is set up again at the same address, as by `make clean`. This part is
// the last one, since the names of the others are gone then.
import { expect, test } from "vitest";
import { look } from "./looks";
import { Person } from "./person";
import type { World } from "./world";

export function anew(world: World): void {
  test("after make clean the page forgets the old service on request, and starts anew", async () => {
    const { stack } = world;
    const [wes, xena] = await Promise.all(["wes", "xena"].map((name) => Person.enter(world.browser, stack.url, name))) as [Person, Person];
    await wes.say("before");
    await stack.sotto(["send", "--user", "yuri", "-"], "before");
    await stack.kill();
    stack.clean();
    await stack.start();

    // While the page is open, and at the next start.
    await xena.page.getByText("This is not the service that you used before.").waitFor();
    await xena.page.reload();
    for (const { page } of [wes, xena]) {
      await page.getByText("This is not the service that you used before.").waitFor();
      await page.getByRole("button", { name: "Forget the old service" }).click();
      await page.getByText("This deletes what this browser stores").waitFor();
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("button", { name: "Forget the old service" }).click();
    }
    await wes.page.getByText("the keys of wes,").waitFor();
    await look(wes.page, "anew");
    for (const { name, page } of [wes, xena]) {
      await page.getByRole("button", { name: "Delete all this and start anew" }).click();
      await page.getByText("This is not the service that you used before.").waitFor({ state: "hidden" });
      await page.getByLabel("Your name").fill(name);
      expect(await page.getByRole("button", { name: /Continue as/ }).count()).toBe(0);
      await page.getByRole("button", { name: "Start chatting" }).click();
    }
    await wes.say("afterwards");
    await xena.sees("afterwards");

    // The terminal client names the command.
    const refused = await stack.sotto(["rooms", "--user", "yuri"]).catch((error: { stderr: string }) => error.stderr);
    expect(refused).toMatch(/forget the old one: sotto keys forget --url ws:\S+ --profile \S+;/);
    await stack.sotto(["keys", "forget", "--yes"]);
    expect(await stack.sotto(["rooms", "--user", "yuri"])).toBe("lobby\n");
    await Promise.all([wes, xena].map((person) => person.leave()));
  });
}
