// Notifications of the operating system, for messages that come while the page
// is hidden. They are off until the reader turns them on here, and the browser
// asks once more.

import type { Message } from "../../lib";

const KEY = "sotto.notify";

class Notifying {
  readonly possible = "Notification" in globalThis;
  #on = $state(localStorage.getItem(KEY) === "on" && "Notification" in globalThis && Notification.permission === "granted");

  get on(): boolean {
    return this.#on;
  }

  /** Turns them on if the browser permits it; returns whether they are. */
  async set(on: boolean): Promise<boolean> {
    this.#on = on && this.possible && (await Notification.requestPermission()) === "granted";
    localStorage.setItem(KEY, this.#on ? "on" : "off");
    return this.#on;
  }
}

export const notifying = new Notifying();

/** Tells of a message if the page is hidden; `open` runs when the reader follows it. */
export function notify(message: Message, open: () => void): void {
  if (!notifying.on || document.visibilityState === "visible") return;
  const shown = new Notification(`${message.from} in ${message.room}`, {
    body: message.body.slice(0, 200),
    tag: message.room, // one for each room, replaced by the next
  });
  shown.onclick = () => {
    window.focus();
    open();
    shown.close();
  };
}
