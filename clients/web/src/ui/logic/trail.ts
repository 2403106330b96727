// The browser's history. Each room that is shown is an entry. The list of
// rooms on a phone and a dialog are layers over the room: each is one more
// entry, so that Back closes it.

import { readAddress, roomAddress, type Place } from "./address";

/** What the page shows. */
export interface Shown {
  room: string;
  /** How many layers are over the room: 0 to 2. */
  layers: number;
  /** The address is a question to the user, and stays until it is answered. */
  asking: boolean;
  /** Whether the user is in a room. */
  isIn(room: string): boolean;
}

/** What the history asks of the page. */
export interface Page {
  shown(): Shown;
  /** The address names something: a room, or a problem. */
  go(place: NonNullable<Place>): void;
  /** Withdraws the question, and closes layers until so many are left. */
  closeTo(layers: number): void;
}

/** The layers of the current entry; 0 if this page did not make it. */
function layersHere(): number {
  const state: unknown = history.state;
  if (typeof state !== "object" || state === null || !("layers" in state)) return 0;
  return typeof state.layers === "number" ? state.layers : 0;
}

export class Trail {
  /** The browser is on its way to an entry that `sync` wants. */
  private leaving = false;

  constructor(private readonly page: Page) {}

  /** Follows the address, which may name a room already. Call the result to stop. */
  start(): () => void {
    const moved = () => this.moved();
    addEventListener("popstate", moved);
    addEventListener("hashchange", moved);
    this.follow();
    return () => {
      removeEventListener("popstate", moved);
      removeEventListener("hashchange", moved);
    };
  }

  /**
   * Brings the history to what the page shows. Call it after every change. Safari
   * refuses more than 100 entries in half a minute; then a later call catches up.
   */
  sync(): void {
    try {
      this.record();
    } catch {
      this.leaving = false;
    }
  }

  private record(): void {
    if (this.leaving) return;
    const { room, layers, asking, isIn } = this.page.shown();
    if (asking || room === "") return;
    const here = readAddress(location.hash);
    const set = (how: "pushState" | "replaceState") => history[how]({ layers }, "", roomAddress(room));
    if (here !== null && "room" in here && here.room === room && location.hash !== roomAddress(room)) {
      history.replaceState(history.state, "", roomAddress(room)); // another spelling of the same name
    }
    // A room that the user has left, or did not join, is no place to go back to.
    if (here === null || "problem" in here || !isIn(here.room)) set("replaceState");
    else if (here.room !== room) set(layersHere() > 0 ? "replaceState" : "pushState");
    else if (layers > layersHere()) set("pushState");
    else if (layers < layersHere()) {
      this.leaving = true;
      history.go(layers - layersHere());
    }
  }

  private moved(): void {
    if (this.leaving) {
      this.leaving = false;
      this.sync(); // the page may have changed meanwhile
    } else {
      this.follow();
    }
  }

  private follow(): void {
    this.page.closeTo(layersHere());
    const place = readAddress(location.hash);
    if (place !== null && !("room" in place && place.room === this.page.shown().room)) this.page.go(place);
    this.sync();
  }
}
