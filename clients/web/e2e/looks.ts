// Checks of every state of the page: no axe violation, nothing wider than the
// window. Also takes screenshots.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { phone, wide } from "./person";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Where pictures go; git ignores it. */
export const screenshots = join(import.meta.dirname, "../screenshots");
mkdirSync(screenshots, { recursive: true });

const looks = [
  // axe checks each scheme and each size once: layout problems do not depend on
  // the colours, and contrast does not depend on the layout.
  { scheme: "light", size: "wide", axe: false },
  { scheme: "light", size: "phone", axe: true },
  { scheme: "dark", size: "phone", axe: false },
  { scheme: "dark", size: "wide", axe: true },
] as const;

/** Checks the current state of the page in both schemes and sizes. */
export async function look(page: Page, name: string): Promise<void> {
  await page.evaluate(source); // over the debugger: the page's policy lets no script in
  for (const { scheme, size, axe } of looks) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize(size === "wide" ? wide : phone);
    await page.screenshot({ path: join(screenshots, `${name}-${size}-${scheme}.png`), animations: "disabled" });
    const where = `${name}, ${size}, ${scheme}`;
    if (axe) expect(await violations(page), `axe: ${where}`).toEqual([]);
    expect(await overflow(page), `wider than the window: ${where}`).toBe(0);
  }
}

/** What axe finds, one line for each element. */
function violations(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const results = await axe.run(document, { resultTypes: ["violations"], elementRef: false });
    return results.violations.flatMap((v) => v.nodes.map((node) => `${v.id}: ${node.html.slice(0, 200)}: ${node.failureSummary ?? ""}`));
  });
}

/** By how many pixels the page can be scrolled sideways. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollingElement: root } = document;
    const lists = [...document.querySelectorAll("section[aria-label=Messages], dialog[open]")];
    return Math.max(...[root, ...lists].map((node) => (node === null ? 0 : node.scrollWidth - node.clientWidth)));
  });
}
