// QR codes of one browser, read by another: with the camera, from a picture, and
// as text.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator } from "playwright-core";
import { expect, test } from "vitest";
import { launch } from "./chromium";
import { look } from "./looks";
import { Person } from "./person";
import type { World } from "./world";

/** Opens the safety number of a user who wrote in the open room. */
async function safety(person: Person, other: string): Promise<Locator> {
  await person.page.getByRole("button", { name: `About this message from ${other}` }).first().click();
  await person.page.getByRole("button", { name: `Compare safety numbers with ${other}` }).click();
  const code = person.page.getByRole("img", { name: /QR code of the safety number/ });
  await code.waitFor();
  return code;
}

/** A picture of a QR code on a grey ground. */
function picture(code: Locator): Promise<Buffer> {
  return code.screenshot();
}

/** Shows a picture to the fake camera that reads the file, as YUV4MPEG2 in grey. */
async function film(person: Person, png: Buffer, file: string): Promise<void> {
  const [wide, high] = [640, 480];
  const grey = await person.page.evaluate(
    async ({ bytes, wide, high }) => {
      const image = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
      const canvas = new OffscreenCanvas(wide, high);
      const context = canvas.getContext("2d")!;
      context.fillStyle = "#888";
      context.fillRect(0, 0, wide, high);
      const side = Math.min(wide, high) * 0.9;
      context.drawImage(image, (wide - side) / 2, (high - side) / 2, side, side);
      const { data } = context.getImageData(0, 0, wide, high);
      return Array.from({ length: wide * high }, (_, i) => data[4 * i]!);
    },
    { bytes: [...png], wide, high },
  );
  const frame = Buffer.concat([Buffer.from("FRAME\n"), Buffer.from(grey), Buffer.alloc((wide * high) / 2, 128)]);
  writeFileSync(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${wide} H${high} F10:1 Ip A1:1 C420jpeg\n`), frame, frame]));
}

export function scan(world: World): void {
  test("the code of a safety number is read from a picture or a text, and compared", async () => {
    const { stack, browser } = world;
    const room = "compare";
    const people = await Promise.all(["rhea", "sven", "tess"].map((name) => Person.enter(browser, stack.url, name)));
    const [rhea, sven, tess] = people as [Person, Person, Person];
    for (const person of people) await person.openRoom(room);
    for (const person of people) await person.say(`I am ${person.name}`);
    for (const person of people) await expect.poll(() => person.messages.count(), { timeout: 30_000 }).toBe(3);

    await safety(rhea, "sven");
    const right = await picture(await safety(sven, "rhea"));
    const wrong = await picture(await safety(tess, "sven"));
    const { page } = rhea;
    const box = page.getByRole("checkbox", { name: /We have compared the numbers/ });
    const choose = async (buffer: Buffer) => {
      await page.getByRole("button", { name: "Scan the code" }).click();
      await page.getByLabel("Or a picture of the code").setInputFiles({ name: "code.png", mimeType: "image/png", buffer });
    };

    await choose(Buffer.from("no picture"));
    await page.getByText("This file is not a picture").waitFor();
    await look(page, "scan");
    await page.getByRole("dialog", { name: "Scan the code" }).getByRole("button", { name: "Close" }).click();
    await choose(wrong);
    await page.getByText("This is the code of other users.").waitFor();
    expect(await box.isChecked()).toBe(false);
    await choose(right);
    await page.getByText("The numbers are the same. You have the true keys of sven.").waitFor();
    expect(await box.isChecked()).toBe(true);
    await look(page, "compared");

    const field = page.getByLabel("Or scan or paste the code that sven sees");
    const text = await field.inputValue();
    await field.fill(text.replace(/hash=(.)/, (_, c: string) => `hash=${c === "A" ? "B" : "A"}`));
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await page.getByText("The numbers are different.").waitFor();
    expect(await box.isChecked()).toBe(false);
    await field.fill("sotto:safety");
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await page.getByText("This is not the code of a safety number.").waitFor();
    for (const person of people) await person.leave();
  });

  test("the camera reads the code of a safety number and of a new device", async () => {
    const { stack, browser } = world;
    const folder = mkdtempSync(join(tmpdir(), "sotto-camera-"));
    const file = join(folder, "camera.y4m");
    const camera = await launch("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${file}`);
    try {
      const [udo, viki] = [await Person.enter(camera, stack.url, "udo"), await Person.enter(browser, stack.url, "viki")];
      for (const person of [udo, viki]) await person.openRoom("camera");
      for (const person of [udo, viki]) await person.say(`I am ${person.name}`);
      for (const person of [udo, viki]) await expect.poll(() => person.messages.count(), { timeout: 30_000 }).toBe(2);
      await film(viki, await picture(await safety(viki, "udo")), file);
      await safety(udo, "viki");
      await udo.page.getByRole("button", { name: "Scan the code" }).click();
      await udo.page.getByText("The numbers are the same.").waitFor();
      await udo.page.getByRole("button", { name: "Close" }).click();

      const second = await Person.open(browser, stack.url, "udo");
      await second.page.getByLabel("Your name").fill("udo");
      await second.page.getByRole("button", { name: "Start chatting" }).click();
      await second.page.getByRole("button", { name: "Link this browser" }).click();
      const code = second.page.getByRole("img", { name: /linking code/ });
      await code.waitFor();
      await film(second, await picture(code), file);
      await udo.page.getByRole("button", { name: "Devices" }).click();
      await udo.page.getByRole("button", { name: "Scan" }).click();
      await expect.poll(() => udo.page.getByLabel("Code of the new device").inputValue(), { timeout: 30_000 }).toMatch(/^sotto:link\?user=udo&/);
      for (const person of [udo, viki, second]) await person.leave();
    } finally {
      await camera.close();
      rmSync(folder, { recursive: true });
    }
  });
}
