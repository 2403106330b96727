// A person with a browser profile. Elements are found by their accessible names.
import { expect } from "vitest";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";

/** How long anything may take on a busy machine. */
export const patience = 30_000;

export class Person {
  readonly name: string;
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the page: exceptions, and violations of its policy. */
  readonly errors: string[] = [];
  /** The received frames. */
  readonly frames: string[] = [];

  private constructor(name: string, context: BrowserContext, page: Page) {
    this.name = name;
    this.context = context;
    this.page = page;
    page.setDefaultTimeout(patience);
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (message) => {
      if (/content security policy|uncaught|refused to/i.test(message.text())) this.errors.push(message.text());
    });
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => this.frames.push(String(payload))));
    page.on("dialog", (dialog) => {
      this.errors.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  /** The persons with an open browser. */
  static readonly present = new Set<Person>();

  /** Opens the page in a new profile. `before` runs in it before its own scripts. */
  static async open(browser: Browser, url: string, name: string, before: () => void = () => {}): Promise<Person> {
    const context = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce", viewport: wide });
    const person = new Person(name, context, await context.newPage());
    Person.present.add(person);
    await context.addInitScript(before);
    await person.page.goto(url);
    return person;
  }

  /** Opens the page and chooses the name. */
  static async enter(browser: Browser, url: string, name: string): Promise<Person> {
    const person = await Person.open(browser, url, name);
    await person.page.getByLabel("Your name").fill(name);
    await person.page.getByRole("button", { name: "Start chatting" }).click();
    await person.composer.waitFor();
    return person;
  }

  get composer(): Locator {
    return this.page.getByRole("textbox", { name: /^Message to / });
  }

  /** The messages of the open room, oldest first. */
  get messages(): Locator {
    return this.page.locator("[data-message]");
  }

  /** The message with exactly this text. */
  message(text: string): Locator {
    return this.messages.filter({ has: this.page.getByText(text, { exact: true }) });
  }

  /**
   * Opens a room, and creates an open one if there is none; `named` is its name if
   * that is not what is typed.
   */
  async openRoom(room: string, named = room): Promise<void> {
    await this.page.getByRole("button", { name: "Open a room" }).click();
    await this.page.getByRole("combobox", { name: "Room", exact: true }).fill(room);
    const listed = this.page.getByRole("option", { name: new RegExp(`^(# ?)?${named}( \\d+ unread)?$`) });
    await listed.or(this.page.getByRole("option", { name: "Join the open room" })).click();
    const heading = this.page.getByRole("heading", { level: 1, name: named });
    const missing = this.page.getByText("There is no open room");
    await heading.or(missing).waitFor();
    if (await missing.isVisible()) await this.createRoom("Open");
    await heading.waitFor();
  }

  /** Selects “Create a room” in the switcher, which is open, and creates a room of the kind. */
  async createRoom(kind: "Closed" | "Open"): Promise<void> {
    await this.page.getByRole("option", { name: "Create a room" }).click();
    const dialog = this.page.getByRole("dialog", { name: "Create a room" });
    await dialog.getByRole("radio", { name: kind }).check();
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.waitFor({ state: "detached" });
  }

  /** Waits until a room is shown. */
  async inRoom(room: string): Promise<void> {
    await this.page.getByRole("heading", { level: 1, name: room, exact: true }).waitFor();
  }

  /** Waits until a room is shown, its address is in the address bar, and no dialog is open. */
  async at(room: string): Promise<void> {
    await this.inRoom(room);
    await expect.poll(() => this.page.evaluate(() => location.hash), { timeout: patience }).toBe(`#room/${room}`);
    await this.page.getByRole("dialog").waitFor({ state: "detached" });
  }

  /** Links this browser, which shows its code, from another one. `shown` runs while that one shows its answer. */
  async linkFrom(other: Person, shown: () => Promise<void> = async () => {}): Promise<void> {
    await this.page.getByRole("img", { name: /linking code/ }).waitFor();
    const code = await this.page.locator("section .font-mono").first().innerText();
    await other.page.getByRole("button", { name: "Devices" }).click();
    await other.page.getByLabel("Code of the new device").fill(code);
    await other.page.getByRole("button", { name: "Link the device" }).click();
    const token = await other.page.getByTestId("link-token").innerText();
    await shown();
    await other.page.getByRole("button", { name: "Close" }).click();
    await this.page.getByLabel("Code from your other device").fill(token);
    await this.page.getByRole("button", { name: "Link", exact: true }).click();
    await this.composer.waitFor();
  }

  /** Writes a message and sends it with Enter; does not wait for the service. */
  async write(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Writes a message and waits until it is stored. */
  async say(text: string): Promise<void> {
    await this.write(text);
    await this.inState(text, "sent");
  }

  /** Waits until the message has a state of the library. */
  async inState(text: string, state: string): Promise<void> {
    await expect.poll(() => this.message(text).getAttribute("data-state"), { timeout: patience, message: `${this.name}: ${text}` }).toBe(state);
  }

  /** Waits until the room shows exactly these texts in this order. */
  async sees(...texts: string[]): Promise<void> {
    await expect
      .poll(() => this.messages.locator("p[dir=auto]").allTextContents(), { timeout: patience, message: `what ${this.name} sees` })
      .toEqual(texts);
  }

  /** Waits until the last message with this text is in the visible part of the room. */
  async inView(text: string): Promise<void> {
    const seen = () =>
      this.message(text).last().evaluate((node) => {
        const [row, view] = [node.getBoundingClientRect(), node.closest("section")!.getBoundingClientRect()];
        return row.top >= view.top && row.bottom <= view.bottom;
      });
    await expect.poll(seen, { timeout: patience, message: `${this.name}: ${text} is in view` }).toBe(true);
  }

  /** Waits until a frame of a type was received. */
  async receives(type: string): Promise<void> {
    await expect.poll(() => this.frames.some((frame) => frame.includes(`"type":"${type}"`)), { timeout: patience }).toBe(true);
  }

  /** Fails on errors of the page, and closes it. */
  async leave(): Promise<void> {
    Person.present.delete(this);
    await this.context.close();
    expect(this.errors, `errors in ${this.name}'s browser`).toEqual([]);
  }
}

export const wide = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };
