// One user's Chat as reactive state: what the components show, and their
// actions. It does not know the protocol.

import type { Chat, ChatError, ChatEvent, Invitation, Message, Presence, Room, Status, Timeline } from "../../lib";
import { presenceInterval, storage } from "../../lib";
import { colours } from "./colours";
import { notify } from "./notify.svelte";
import { recall, remember } from "./preferences";
import { visible } from "./text";
import type { Place } from "./address";
import type { Shown } from "./trail";

/** The dialog over the chat; one at a time. */
export type Overlay =
  | { kind: "help" }
  | { kind: "settings" }
  | { kind: "devices" }
  | { kind: "open-room" }
  | { kind: "create-room"; name: string }
  /** The question whether to join the room of an address. */
  | { kind: "join"; room: string }
  | { kind: "people" }
  | { kind: "message"; message: Message }
  | { kind: "person"; user: string };

/** The setting with the room that was open last. */
export const LAST_ROOM = "sotto.room";
const NO_PRESENCE: Presence = { users: [], more: false };

/** The message of an error, whatever was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a library error; undefined for other errors. */
export function code(error: unknown): ChatError["code"] | undefined {
  return error instanceof Error && "code" in error ? (error as ChatError).code : undefined;
}

export class ChatView {
  readonly chat: Chat;

  status: Status = $state.raw({ phase: "connecting" });
  rooms: readonly Room[] = $state.raw([]);
  invitations: readonly Invitation[] = $state.raw([]);
  room = $state("");
  timeline: Timeline = $state.raw({ room: "", entries: [], older: false, marks: {}, readUpTo: 0 });
  /** The first page of the room is loading, so the timeline may be empty. */
  loading = $state(false);
  typing: readonly string[] = $state.raw([]);
  presence: Presence = $state.raw(NO_PRESENCE);
  overlay: Overlay | null = $state.raw(null);
  /** On a phone: whether the rooms are shown instead of the chat. */
  showsRooms = $state(false);
  /** The last error, until the user dismisses it. */
  problem = $state("");
  /** The room that the user left last, and may join again; `byKey` if the keyboard did it. */
  left: { room: string; draft: string; byKey: boolean } | null = $state.raw(null);
  /** Text for screen readers: the latest message. */
  announcement = $state("");
  /** Whether the browser stores what happens here, at the moment. */
  stored = $state(storage.works);
  /** Incremented when the known devices of a contact may have changed. */
  trust = $state(0);

  /** Incremented with each message sent here; the timeline then scrolls to the end. */
  written = $state(0);

  /** The last seq read before the room was opened; "New" is shown after it. 0 if nothing is new. */
  newAfter = $state(0);

  private readonly stale = new Set<"rooms" | "timeline">();
  private readonly stop: () => void;

  constructor(chat: Chat) {
    this.chat = chat;
    this.status = chat.status();
    this.rooms = chat.rooms();
    this.invitations = chat.invitations();
    const unsubscribe = chat.subscribe((event) => this.handle(event));
    const unwatch = storage.watch(() => (this.stored = storage.works));
    const ask = () => this.askPresence();
    const asking = setInterval(ask, presenceInterval);
    document.addEventListener("visibilitychange", ask);
    this.stop = () => {
      unsubscribe();
      unwatch();
      clearInterval(asking);
      document.removeEventListener("visibilitychange", ask);
    };
    const last = recall(LAST_ROOM);
    const first = this.rooms.find((room) => room.name === last) ?? this.rooms.find((room) => room.name === "lobby") ?? this.rooms[0];
    if (first) this.show(first.name);
  }

  close(): void {
    this.stop();
    this.chat.close();
  }

  /** Shows a room that the user is in. */
  show(room: string): void {
    this.showsRooms = false;
    if (room === this.room) return;
    this.room = room;
    remember(LAST_ROOM, room);
    this.takeTimeline();
    this.newAfter = this.rooms.some((known) => known.name === room && known.unread > 0) ? this.timeline.readUpTo : 0;
    this.typing = [];
    this.presence = NO_PRESENCE;
    this.askPresence();
    void this.loadFirst(room);
  }

  /** The name of the room that is shown. */
  get title(): string {
    return this.titleOf(this.room);
  }

  titleOf(room: string): string {
    return this.rooms.find((known) => known.name === room)?.title ?? room;
  }

  /** Whether the room that is shown is a closed one. */
  get closed(): boolean {
    return this.rooms.some((known) => known.name === this.room && known.closed);
  }

  isIn(room: string): boolean {
    return this.rooms.some((known) => known.name === room);
  }

  /** Creates a room and shows it. */
  async create(name: string, closed: boolean, allHistory: boolean): Promise<void> {
    let room = name;
    if (closed) room = await this.chat.createClosed(name, allHistory);
    else await this.chat.createOpen(name);
    this.rooms = this.chat.rooms();
    this.show(room);
  }

  async accept(invitation: Invitation): Promise<void> {
    await this.attempt(`You did not join ${invitation.name}`, async () => {
      await this.chat.accept(invitation.room);
      this.rooms = this.chat.rooms();
      this.show(invitation.room);
    });
  }

  async decline(invitation: Invitation): Promise<void> {
    await this.attempt(`The invitation to ${invitation.name} is still open`, () => this.chat.decline(invitation.room));
  }

  /** Shows a room, and joins it if it is open. */
  async enter(room: string): Promise<void> {
    if (!this.isIn(room)) {
      await this.chat.join(room);
      this.rooms = this.chat.rooms();
      if (this.left?.room === room) this.left = null;
    }
    this.show(room);
  }

  async leave(room: string, byKey: boolean): Promise<void> {
    const draft = this.chat.draft(room);
    const title = this.titleOf(room);
    const closed = this.rooms.some((known) => known.name === room && known.closed);
    await this.attempt(`You are still in ${title}`, async () => {
      await this.chat.leave(room);
      this.rooms = this.chat.rooms();
      // Only an invitation brings the user back to a closed room.
      this.left = closed ? null : { room, draft, byKey };
      const next = this.rooms.find(({ name }) => name === "lobby") ?? this.rooms[0];
      if (room === this.room && next) this.show(next.name);
    });
  }

  /** Joins the room again that the user has just left, with the text that was being written. */
  async undoLeave(): Promise<void> {
    if (this.left === null) return;
    const { room, draft } = this.left;
    await this.attempt(`You are not in ${room}`, async () => {
      await this.chat.join(room);
      this.rooms = this.chat.rooms();
      this.chat.keepDraft(room, draft);
      this.left = null;
      this.announcement = `You are in ${room} again.`;
      this.show(room);
    });
  }

  // The address and the history; see trail.ts.

  shown(): Shown {
    const asking = this.overlay?.kind === "join";
    const layers = (this.showsRooms ? 1 : 0) + (this.overlay === null || asking ? 0 : 1);
    return { room: this.room, layers, asking, isIn: (room) => this.isIn(room) };
  }

  go(place: NonNullable<Place>): void {
    if ("problem" in place) this.problem = place.problem;
    else if (this.isIn(place.room)) this.show(place.room);
    else this.overlay = { kind: "join", room: place.room };
  }

  closeTo(layers: number): void {
    const shown = this.shown();
    if (shown.asking || shown.layers > layers) this.overlay = null;
    if (this.showsRooms && layers === 0) this.showsRooms = false;
  }

  /** Shows the next (1) or previous (-1) room of the list, wrapping at the ends. */
  step(by: 1 | -1): void {
    const here = this.rooms.findIndex((room) => room.name === this.room);
    const next = this.rooms[(here + by + this.rooms.length) % this.rooms.length];
    if (next) this.show(next.name);
  }

  async older(): Promise<void> {
    await this.try(() => this.chat.loadOlder(this.room));
  }

  /** Sends a message. Throws if the text is too long. */
  send(body: string): void {
    this.chat.send(this.room, body);
    this.chat.keepDraft(this.room, "");
    this.written++;
  }

  /** The connection has ended for good: nothing can be sent or loaded any more. */
  get ended(): boolean {
    return this.status.phase === "ended";
  }

  get unread(): number {
    return this.rooms.reduce((sum, room) => sum + room.unread, 0);
  }

  /** Runs an action and shows its error. A lost connection is shown by the banner. */
  async try(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      // After the end every action fails, and the page says why.
      if (code(error) !== "offline" && !this.ended) this.problem = sentence(error);
    }
  }

  /** Runs an action of the user. If it fails, says so, and what holds then. */
  private async attempt(otherwise: string, action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.problem = `${otherwise}. ${code(error) === "offline" ? "There is no connection; try again later." : sentence(error)}`;
    }
  }

  private async loadFirst(room: string): Promise<void> {
    if (this.timeline.entries.some((entry) => entry.seq !== undefined)) return;
    this.loading = true;
    await this.try(() => this.chat.loadOlder(room));
    if (room === this.room) this.loading = false;
  }

  private askPresence(): void {
    if (this.room !== "" && this.status.phase === "online" && document.visibilityState === "visible") {
      this.chat.presence(this.room);
    }
  }

  private handle(event: ChatEvent): void {
    switch (event.type) {
      case "status": {
        const was = this.status.phase;
        this.status = event.status;
        // Without a connection it is unknown who is there.
        if (event.status.phase !== "online") {
          this.typing = [];
          this.presence = NO_PRESENCE;
        }
        if (event.status.phase === "online" && was !== "online") {
          this.askPresence();
          if (this.room !== "") void this.loadFirst(this.room);
        }
        break;
      }
      case "rooms":
        this.refresh("rooms");
        break;
      case "timeline":
        if (event.room === this.room) this.refresh("timeline");
        break;
      case "typing":
        if (event.room !== this.room) break;
        this.typing = event.users;
        this.addPresent(event.users);
        break;
      case "presence":
        if (event.room === this.room) this.takePresence(event.presence);
        break;
      case "invitations": {
        const known = this.invitations;
        this.invitations = this.chat.invitations();
        const added = this.invitations.find((one) => !known.some((old) => old.room === one.room));
        if (added) this.announcement = `${added.by} invites you to ${added.name}`;
        break;
      }
      case "removed":
        this.problem = `You are no longer a member of ${event.title}.`;
        this.rooms = this.chat.rooms();
        if (!this.isIn(this.room)) {
          const next = this.rooms.find(({ name }) => name === "lobby") ?? this.rooms[0];
          if (next) this.show(next.name);
        }
        break;
      case "newDevice":
        this.trust++;
        break;
      case "message":
        if (event.message.room === this.room) {
          this.announcement = `${event.message.from}: ${visible(event.message.body.slice(0, 300))}`;
          this.addPresent([event.message.from]);
        }
        notify(event.message, this.titleOf(event.message.room), () => {
          this.overlay = null;
          this.show(event.message.room);
        });
        break;
    }
  }

  /** Adds users who typed or wrote since the last presence answer. */
  private addPresent(users: readonly string[]): void {
    const { users: known, more } = this.presence;
    if (known.length === 0 || users.every((user) => known.includes(user))) return;
    this.takePresence({ users: [...new Set([...known, ...users])].sort(), more });
  }

  private takeTimeline(): void {
    this.timeline = this.chat.timeline(this.room);
    this.meet();
  }

  private takePresence(presence: Presence): void {
    this.presence = presence;
    this.meet();
  }

  /** Users who are in the room together get different colours. */
  private meet(): void {
    const senders = new Set([this.chat.user]);
    for (const entry of this.timeline.entries) if (entry.kind !== "gap") senders.add(entry.from);
    colours.meet([...senders, ...this.presence.users]);
  }

  /** Reads a snapshot once for all events of a turn: a page of history emits a hundred. */
  private refresh(what: "rooms" | "timeline"): void {
    if (this.stale.size === 0) {
      queueMicrotask(() => {
        if (this.stale.has("rooms")) this.rooms = this.chat.rooms();
        if (this.stale.has("timeline")) this.takeTimeline();
        this.stale.clear();
        if (this.room === "" && this.rooms[0]) this.show(this.rooms[0].name);
      });
    }
    this.stale.add(what);
  }
}
