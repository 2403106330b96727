// One user's Chat as reactive state: what the components read, and the few
// things they do. It holds no protocol, only what is on the screen.

import type { Chat, ChatError, ChatEvent, Message, Presence, Room, Status, Timeline } from "../../lib";
import { notify } from "./notify.svelte";

/** What may lie over the chat; one at a time. */
export type Overlay =
  | { kind: "help" }
  | { kind: "settings" }
  | { kind: "devices" }
  | { kind: "open-room" }
  | { kind: "people" }
  | { kind: "message"; message: Message }
  | { kind: "person"; user: string };

const LAST_ROOM = "sotto.room";
const PRESENCE_EVERY = 30_000; // protocol §3: ask at most every 30 s
const NOBODY: Presence = { users: [], more: false };

/** The sentence of an error, whatever was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of an error of the library; undefined for anything else. */
export function code(error: unknown): ChatError["code"] | undefined {
  return error instanceof Error && "code" in error ? (error as ChatError).code : undefined;
}

export class Session {
  readonly chat: Chat;

  status: Status = $state.raw({ phase: "connecting" });
  rooms: readonly Room[] = $state.raw([]);
  room = $state("");
  timeline: Timeline = $state.raw({ room: "", entries: [], older: false, marks: {}, readUpTo: 0 });
  /** The first page of the room is on its way, so an empty timeline says nothing yet. */
  loading = $state(false);
  typing: readonly string[] = $state.raw([]);
  presence: Presence = $state.raw(NOBODY);
  overlay: Overlay | null = $state.raw(null);
  /** On a phone either the rooms or the chat are shown. */
  showsRooms = $state(false);
  /** What went wrong last, until it is dismissed. */
  problem = $state("");
  /** What a screen reader is told next. */
  announcement = $state("");
  /** Grows whenever what is known about a person's devices may have changed. */
  trust = $state(0);

  /** Grows with each message written here: the reader is then taken to the end. */
  written = $state(0);

  /** Where "new" begins in the open room, behind what was read before it was opened; 0 if nothing is new. */
  newAfter = $state(0);

  readonly #drafts = new Map<string, string>();
  readonly #stale = new Set<"rooms" | "timeline">();
  readonly #end: () => void;

  constructor(chat: Chat) {
    this.chat = chat;
    this.status = chat.status();
    this.rooms = chat.rooms();
    const unsubscribe = chat.subscribe((event) => this.#on(event));
    const asking = setInterval(() => this.#askPresence(), PRESENCE_EVERY);
    this.#end = () => {
      unsubscribe();
      clearInterval(asking);
    };
    const last = localStorage.getItem(LAST_ROOM);
    const first = this.rooms.find((room) => room.name === last) ?? this.rooms.find((room) => room.name === "lobby") ?? this.rooms[0];
    if (first) this.show(first.name);
  }

  close(): void {
    this.#end();
    this.chat.close();
  }

  /** Opens a room that the user is in. */
  show(room: string): void {
    this.showsRooms = false;
    if (room === this.room) return;
    this.room = room;
    localStorage.setItem(LAST_ROOM, room);
    this.timeline = this.chat.timeline(room);
    this.newAfter = this.rooms.some((known) => known.name === room && known.unread > 0) ? this.timeline.readUpTo : 0;
    this.typing = [];
    this.presence = NOBODY;
    this.#askPresence();
    void this.#loadFirst(room);
  }

  /** Opens a room, joining it if need be. */
  async enter(room: string): Promise<void> {
    if (!this.rooms.some((known) => known.name === room)) {
      await this.chat.join(room);
      this.rooms = this.chat.rooms();
    }
    this.show(room);
  }

  async leave(room: string): Promise<void> {
    await this.try(async () => {
      await this.chat.leave(room);
      this.rooms = this.chat.rooms();
      const next = this.rooms[0];
      if (room === this.room && next) this.show(next.name);
    });
  }

  /** The room that is `by` places further down the list, round the ends. */
  step(by: 1 | -1): void {
    const here = this.rooms.findIndex((room) => room.name === this.room);
    const next = this.rooms[(here + by + this.rooms.length) % this.rooms.length];
    if (next) this.show(next.name);
  }

  async older(): Promise<void> {
    await this.try(() => this.chat.loadOlder(this.room));
  }

  /** Puts a message into the outbox. Throws where the text is too long. */
  send(body: string): void {
    this.chat.send(this.room, body);
    this.keepDraft(this.room, "");
    this.written++;
  }

  draft(room: string): string {
    return this.#drafts.get(room) ?? "";
  }

  keepDraft(room: string, text: string): void {
    if (text === "") this.#drafts.delete(room);
    else this.#drafts.set(room, text);
  }

  get unread(): number {
    return this.rooms.reduce((sum, room) => sum + room.unread, 0);
  }

  /** Runs what may fail and shows how it did. A lost connection has its own banner. */
  async try(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (code(error) !== "offline" && code(error) !== "closed") this.problem = sentence(error);
    }
  }

  async #loadFirst(room: string): Promise<void> {
    if (this.timeline.entries.some((entry) => entry.seq !== undefined)) return;
    this.loading = true;
    await this.try(() => this.chat.loadOlder(room));
    if (room === this.room) this.loading = false;
  }

  #askPresence(): void {
    if (this.room !== "" && this.status.phase === "online" && document.visibilityState === "visible") {
      this.chat.presence(this.room);
    }
  }

  #on(event: ChatEvent): void {
    switch (event.type) {
      case "status": {
        const was = this.status.phase;
        this.status = event.status;
        if (event.status.phase === "online" && was !== "online") {
          this.#askPresence();
          if (this.room !== "") void this.#loadFirst(this.room);
        }
        break;
      }
      case "rooms":
        this.#refresh("rooms");
        break;
      case "timeline":
        if (event.room === this.room) this.#refresh("timeline");
        break;
      case "typing":
        if (event.room !== this.room) break;
        this.typing = event.users;
        this.#heard(event.users);
        break;
      case "presence":
        if (event.room === this.room) this.presence = event.presence;
        break;
      case "newDevice":
        this.trust++;
        break;
      case "message":
        if (event.message.room === this.room) {
          this.announcement = `${event.message.from}: ${event.message.body.slice(0, 300)}`;
          this.#heard([event.message.from]);
        }
        notify(event.message, () => {
          this.overlay = null;
          this.show(event.message.room);
        });
        break;
    }
  }

  /** Whoever is heard is here, though the last answer to "who is here" is older. */
  #heard(users: readonly string[]): void {
    const { users: known, more } = this.presence;
    if (known.length === 0 || users.every((user) => known.includes(user))) return;
    this.presence = { users: [...new Set([...known, ...users])].sort(), more };
  }

  /** Reads a snapshot once for any number of events of one turn: history arrives by the hundred. */
  #refresh(what: "rooms" | "timeline"): void {
    if (this.#stale.size === 0) {
      queueMicrotask(() => {
        if (this.#stale.has("rooms")) this.rooms = this.chat.rooms();
        if (this.#stale.has("timeline")) this.timeline = this.chat.timeline(this.room);
        this.#stale.clear();
        if (this.room === "" && this.rooms[0]) this.show(this.rooms[0].name);
      });
    }
    this.#stale.add(what);
  }
}
