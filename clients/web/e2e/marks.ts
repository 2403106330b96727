// Read marks and the number of those who are here, across reloads, devices and
// lost connections.
import { expect, test } from "vitest";
import { patience, Person } from "./person";
import type { World } from "./world";

export function marks(world: World): void {
  test("read marks survive a reload and a reconnect, and a linked device gets them", async () => {
    const { stack, browser } = world;
    const room = "marks";
    const [mara, noah] = await Promise.all(["mara", "noah"].map((name) => Person.enter(browser, stack.url, name))) as [Person, Person];
    await mara.openRoom(room);
    await noah.openRoom(room);
    await mara.say("who has read this?");
    const read = (person: Person) => person.page.getByText("Read by noah").waitFor();
    await read(mara);
    await mara.page.reload();
    await read(mara);

    const second = await Person.open(browser, stack.url, "mara");
    await second.page.getByLabel("Your name").fill("mara");
    await second.page.getByRole("button", { name: "Start chatting" }).click();
    await second.page.getByRole("button", { name: "Link this browser" }).click();
    await second.linkFrom(mara);
    await second.openRoom(room);
    await read(second);

    // Noah is away: what was seen stays.
    await noah.leave();
    for (const person of [mara, second]) {
      await person.page.reload();
      await read(person);
    }
    await Promise.all([mara, second].map((person) => person.leave()));
  });

  test("the number of those who are here is absent without a connection, and right afterwards", async () => {
    const { stack, browser } = world;
    const room = "number";
    const [olwen, paul] = await Promise.all(["olwen", "paul"].map((name) => Person.enter(browser, stack.url, name))) as [Person, Person];
    await olwen.openRoom(room);
    await paul.openRoom(room);
    const here = (person: Person, n: number) => person.page.getByRole("button", { name: `${n} here` }).waitFor();
    await here(paul, 2);
    await paul.say("I am here");
    await here(olwen, 2);

    await stack.kill();
    await olwen.page.getByText("Reconnecting.").waitFor();
    await expect.poll(() => olwen.page.getByText(/\d here/).count(), { timeout: patience }).toBe(0);
    await olwen.page.getByRole("button", { name: "Who is here" }).waitFor();
    await stack.start();
    await Promise.all([here(olwen, 2), here(paul, 2)]);
    await Promise.all([olwen, paul].map((person) => person.leave()));
  });
}
