// System notifications for messages that arrive while the page is hidden. They
// are off until the user turns them on and the browser permits them.

import type { Message } from "../../lib";
import { recall, remember } from "./preferences";
import { visible } from "./text";

const KEY = "sotto.notify";

class Notifications {
  readonly possible = "Notification" in globalThis;
  private enabled = $state(recall(KEY) === "on" && "Notification" in globalThis && Notification.permission === "granted");

  get on(): boolean {
    return this.enabled;
  }

  /** Turns them on if the browser permits it; returns whether they are. */
  async set(on: boolean): Promise<boolean> {
    this.enabled = on && this.possible && (await Notification.requestPermission()) === "granted";
    remember(KEY, this.enabled ? "on" : "off");
    return this.enabled;
  }
}

export const notifying = new Notifications();

/** Shows a notification if the page is hidden. A click on it calls `open`. */
export function notify(message: Message, room: string, open: () => void): void {
  if (!notifying.on || document.visibilityState === "visible") return;
  const shown = new Notification(`${message.from} in ${room}`, {
    body: visible(message.body.slice(0, 200)),
    tag: message.room, // one per room; a new one replaces it
  });
  shown.onclick = () => {
    window.focus();
    open();
    shown.close();
  };
}
