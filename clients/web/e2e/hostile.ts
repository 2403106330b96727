// Vulnerability: a message is another user's text in the reader's page. Attack:
// markup, script addresses, text direction, and width. Verifies that each is shown
// as text, inside its box.
import { expect, test } from "vitest";
import { visible } from "../src/ui/logic/text";
import { overflow } from "./looks";
import { Person, phone, wide } from "./person";
import type { World } from "./world";

const LIMIT = 16_384; // bytes of a body, protocol §5

const markup = [
  `<img src=x onerror="window.pwned=1">`,
  `<script>window.pwned=1</script><svg onload="window.pwned=1">`,
  `"><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>`,
  `{@html "<b>bold</b>"} <b>bold</b> &lt;b&gt; &#60;b&#62;`,
  `javascript:window.pwned=1 JaVaScRiPt://x%0Awindow.pwned=1 data:text/html,<script>pwned=1</script>`,
  `https://example.com/"onmouseover="window.pwned=1 and [x](javascript:window.pwned=1)`,
];
const unicode = [
  "\u202Eright to left\u202D override, never ended",
  "\u2067\u2066\u2068isolates \u202Aand embeddings \u202Bthat nobody closes",
  "שלום mixed with abc 123 \u200F\u200E",
  "👩‍👩‍👧‍👦👨🏽‍🚀🏳️‍🌈",
  "a\u200Db\u200Dc\u200B\u200C\u2060\uFEFFd".repeat(200),
  "Z\u0351\u036B\u0343\u036A\u0302\u036B\u033D\u034F\u0334\u0319\u0324\u031E\u0349\u035A\u032F\u031E\u0320\u034D".repeat(60),
];
const wideOnes = ["W".repeat(LIMIT), "https://example.com/" + "a".repeat(LIMIT - 20), "\u200D".repeat(5000)];

export function hostile(world: World): void {
  test("nothing in a message is more than its text", async () => {
    const { stack, browser } = world;
    const room = "hostile";
    const nora = await Person.enter(browser, stack.url, "nora");
    await nora.openRoom(room);
    const texts = [...markup, ...unicode, ...wideOnes];
    for (const text of texts) await stack.sotto(["send", "--user", "mallory", "--room", room, "-"], text);
    await nora.sees(...texts.map(visible));

    for (const size of [wide, phone]) {
      await nora.page.setViewportSize(size);
      expect(await overflow(nora.page), `at ${size.width} pixels`).toBe(0);
    }
    const folded = nora.page.getByRole("button", { name: "Show all" });
    for (let left = await folded.count(); left > 0; left--) await folded.first().click();
    expect(await overflow(nora.page), "unfolded").toBe(0);

    const found = await nora.messages.locator("p[dir=auto]").evaluateAll((nodes) => ({
      tags: [...new Set(nodes.flatMap((node) => [...node.querySelectorAll("*")].map((inner) => inner.localName)))],
      links: nodes.flatMap((node) => [...node.querySelectorAll("a")].map((a) => ({ protocol: a.protocol, rel: a.rel }))),
      bidi: [...new Set(nodes.map((node) => getComputedStyle(node).unicodeBidi))],
      pwned: "pwned" in window,
    }));
    expect(found.tags).toEqual(["a"]);
    expect(new Set(found.links.map(({ protocol, rel }) => `${protocol} ${rel}`))).toEqual(new Set(["https: noopener noreferrer"]));
    for (const bidi of found.bidi) expect(["isolate", "plaintext", "isolate-override"]).toContain(bidi);
    expect(found.pwned).toBe(false);
    await nora.leave();
  });

  test("and if something were, the page's policy would stop it", async () => {
    const olaf = await Person.open(world.browser, world.stack.url, "olaf");
    await olaf.page.getByLabel("Your name").waitFor();
    const ran = await olaf.page.evaluate(async () => {
      const refused = new Set<string>();
      const all = new Promise<void>((done) => {
        document.addEventListener("securitypolicyviolation", (event) => {
          if (refused.add(event.effectiveDirective).size === 5) done();
        });
      });
      const script = document.createElement("script");
      script.textContent = "window.pwned = 1";
      document.body.append(script);
      const box = document.createElement("div");
      box.innerHTML = `<img src="x" onerror="window.pwned = 1"><p style="position: fixed">x</p><iframe src="https://example.com/"></iframe>`;
      document.body.append(box);
      const elsewhere = await fetch("https://example.com/").then(() => true, () => false);
      await all;
      return { refused: [...refused].sort(), elsewhere, pwned: "pwned" in window };
    });
    expect(ran.pwned).toBe(false);
    expect(ran.elsewhere).toBe(false);
    expect(ran.refused).toEqual(["connect-src", "frame-src", "script-src-attr", "script-src-elem", "style-src-attr"]);
    olaf.errors.length = 0; // the five that were wanted
    await olaf.leave();
  });

  test("a long text goes as far as the service takes it", async () => {
    const { stack, browser } = world;
    const room = "long";
    const pia = await Person.enter(browser, stack.url, "pia");
    await pia.openRoom(room);
    await pia.composer.fill("x".repeat(LIMIT + 1));
    await pia.page.getByText("1 bytes too long").waitFor();
    expect(await pia.page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await pia.write("x".repeat(LIMIT));
    await pia.sees("x".repeat(LIMIT));
    await stack.sotto(["listen", "--user", "carol", "--room", room, "--since", "0", "--count", "1", "--timeout", "30s"]);
    await pia.leave();
  });
}
