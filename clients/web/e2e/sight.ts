// Files that are dropped on the page, forced colours, and the colours of users.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { look, screenshots } from "./looks";
import { patience, Person } from "./person";
import type { World } from "./world";

export function sight(world: World): void {
  test("a file that is dropped or pasted opens nothing, and a sentence says that files cannot be sent", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "sotto-")), "note.txt");
    writeFileSync(file, "from a file");
    const fay = await Person.enter(world.browser, world.stack.url, "fay");
    const { page, context } = fay;
    const sentence = page.getByRole("alert").getByText("Sotto sends text only, so files cannot be sent.");
    const address = page.url();
    for (const target of [page.getByRole("heading", { level: 1 }), fay.composer]) {
      await drop(page, target, { items: [], files: [file], dragOperationsMask: 1 });
      await sentence.waitFor();
      await look(page, "no-files");
      expect([context.pages().length, page.url(), await fay.composer.inputValue()]).toEqual([1, address, ""]);
      await page.getByRole("button", { name: "Dismiss" }).click();
      await sentence.waitFor({ state: "detached" });
    }

    // A link that is dropped beside a field would open too; in the field it is text.
    const link = { items: [{ mimeType: "text/uri-list", data: "https://example.com/" }, { mimeType: "text/plain", data: "https://example.com/" }], dragOperationsMask: 1 };
    await drop(page, page.getByRole("heading", { level: 1 }), link);
    await drop(page, fay.composer, link);
    await expect.poll(() => fay.composer.inputValue(), { timeout: patience }).toBe("https://example.com/");
    expect([context.pages().length, page.url(), await sentence.count()]).toEqual([1, address, 0]);

    await fay.composer.evaluate((node) => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "picture.png", { type: "image/png" }));
      node.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    });
    await sentence.waitFor();
    await fay.leave();
  });

  test("with forced colours, every state differs by more than its background", async () => {
    const { stack, browser } = world;
    const gia = await Person.enter(browser, stack.url, "gia");
    const { page } = gia;
    await gia.openRoom("forced");
    await gia.openRoom("forced-too");
    await gia.say("an own text");
    await stack.sotto(["send", "--user", "hugh", "--room", "forced-too", "-"], "another text");
    await gia.sees("an own text", "another text");
    await page.emulateMedia({ forcedColors: "active" });

    const differ = async (what: string, one: Locator, other: Locator) =>
      expect(await drawn(one), what).not.toEqual(await drawn(other));
    const link = (name: string) => page.getByRole("navigation").getByRole("link", { name, exact: true });
    await differ("the open room", link("forced-too"), link("lobby"));
    const bubble = (text: string) => gia.message(text).locator("div:has(> div > p[dir=auto])").last();
    await differ("an own message", bubble("an own text"), bubble("another text"));

    const send = page.getByRole("button", { name: "Send" });
    const disabled = await drawn(send);
    await gia.composer.fill("text");
    expect(await drawn(send), "a button that works").not.toEqual(disabled);
    expect(disabled.border, "a disabled button").not.toContain("0px");

    const help = page.getByRole("button", { name: "Help" });
    const resting = await drawn(help);
    await page.getByRole("button", { name: "Settings" }).focus();
    await page.keyboard.press("Tab");
    expect(await drawn(help), "the focus").not.toEqual(resting);

    await page.keyboard.press("Control+k");
    await page.getByRole("option").first().waitFor();
    await differ("the selected room", page.getByRole("option", { selected: true }), page.getByRole("option", { selected: false }).first());
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Settings" }).click();
    const theme = (name: string) => page.locator("label").filter({ hasText: name });
    await differ("the chosen theme", theme("System"), theme("Light"));
    await page.getByRole("button", { name: "Close" }).click();

    await page.getByRole("button", { name: "About this message from hugh" }).click();
    await page.getByRole("button", { name: "Compare safety numbers with hugh" }).click();
    const qr = page.getByRole("img", { name: /safety number/ });
    const ground = await qr.evaluate((node) => getComputedStyle(node).backgroundColor);
    expect(ground, "the ground of a QR code, whatever the colours").toBe("rgb(255, 255, 255)");
    await page.getByRole("button", { name: "Close" }).click();

    await link("lobby").click();
    await stack.sotto(["send", "--user", "hugh", "--room", "forced", "-"], "unread");
    const unread = page.getByRole("link", { name: "forced, 1 unread" });
    await unread.waitFor();
    expect((await drawn(unread.getByText("1", { exact: true }))).border, "the number of unread messages").not.toContain("0px");
    await page.screenshot({ path: join(screenshots, "forced-colours.png") });
    await gia.leave();
  });

  test("users in one room have different colours, and keep them", async () => {
    const { stack, browser } = world;
    const room = "colours";
    const names = ["zeno", "zia", "zora"]; // they had one colour of six
    await stack.sotto(["room", "create", room, "open", "--user", names[0]!]);
    for (const name of names) await stack.sotto(["send", "--user", name, "--room", room, "-"], `I am ${name}`);
    const ivo = await Person.enter(browser, stack.url, "ivo");
    await ivo.openRoom(room);
    const grounds = async () => {
      await ivo.sees(...names.map((name) => `I am ${name}`));
      const all = await Promise.all(names.map((name) => colour(ivo.message(`I am ${name}`).locator("span[aria-hidden]").first())));
      return [...all, await colour(ivo.page.getByRole("navigation").locator("footer span[aria-hidden]").first())];
    };
    const first = await grounds();
    expect(new Set(first).size, first.join(", ")).toBe(4);
    await ivo.page.reload();
    expect(await grounds()).toEqual(first);
    await ivo.leave();
  });
}

const colour = (node: Locator): Promise<string> => node.evaluate((element) => getComputedStyle(element).backgroundColor);

/** What forced colours leave of an element's look. */
function drawn(node: Locator): Promise<Record<string, string>> {
  return node.evaluate((element) => {
    const { borderWidth, borderStyle, borderColor, outlineWidth, outlineStyle, color, fontWeight } = getComputedStyle(element);
    const outline = outlineStyle === "none" ? "none" : `${outlineStyle} ${outlineWidth}`;
    return { border: `${borderStyle} ${borderWidth} ${borderColor}`, outline, color, weight: fontWeight };
  });
}

/** Drops something as the system does: with the browser's own action if the page does not prevent it. */
async function drop(page: Page, on: Locator, data: { items: { mimeType: string; data: string }[]; files?: string[]; dragOperationsMask: number }): Promise<void> {
  const box = (await on.boundingBox())!;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const session = await page.context().newCDPSession(page);
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await session.send("Input.dispatchDragEvent", { type, x, y, data });
  }
  await session.detach();
}
