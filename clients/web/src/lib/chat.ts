/** The implementation of Chat; `api.ts` documents its methods. */
import type {
  Chat, ChatEvent, ClosedRoom, Contact, Device as DeviceState, Entry, Invitation, OpenOptions, Role, Room, SafetyNumber, Status, Timeline,
} from "./api";
import { isThumbprint } from "./bytes";
import { RoomNames } from "./closed";
import { safetyNumber } from "./compare";
import { Connection } from "./connection";
import { Contacts } from "./contacts";
import { Device, type Opened } from "./device";
import { Drafts } from "./drafts";
import { shown } from "./entry";
import { SottoError } from "./errors";
import { Hints } from "./hints";
import { integer, type Members, string } from "./json";
import { RoomLog } from "./log";
import { Marks } from "./marks";
import { isClosed, isNewRoomName, isRoom, isRoomName, maxBody, maxFrame, measure, newClosedRoom } from "./names";
import { type Ack, Outbox } from "./outbox";
import type { Profile, RoomState } from "./profile";
import { Reads } from "./reads";
import { Requests } from "./requests";
import type { Session } from "./session";
import type { Store } from "./store";
import type { Timing } from "./timing";

export class Client implements Chat {
  serviceKey = "";
  audience = "";

  private readonly ownDevice: Device;
  private readonly contacts: Contacts;
  private readonly reads: Reads;
  private readonly marks: Marks;
  private readonly outbox: Outbox;
  private readonly drafts: Drafts;
  private readonly names: RoomNames;
  private readonly hints: Hints;
  private readonly connection: Connection;
  private readonly requests: Requests;
  private readonly logs = new Map<string, RoomLog>();
  private readonly listeners = new Set<(event: ChatEvent) => void>();
  private readonly dirty = new Set<string>();
  private wasOnline = false;
  /** When the service's time was asked for because of a late push. */
  private timeAsked = 0;
  private invited: readonly Invitation[] = [];
  /** When the rooms were last asked for because of an invitation, and the timer of the next time. */
  private roomsAsked = 0;
  private asking: ReturnType<typeof setTimeout> | undefined;

  private constructor(
    options: OpenOptions,
    store: Store,
    private readonly profile: Profile,
    private readonly timing: Timing,
  ) {
    const key = [profile.address, profile.user];
    this.contacts = new Contacts(store, ["contacts", ...key]);
    this.ownDevice = new Device(profile, this.contacts);
    this.reads = new Reads(store, ["reads", ...key]);
    this.marks = new Marks(store, ["marks", ...key]);
    this.drafts = new Drafts(store, ["drafts", ...key]);
    this.names = new RoomNames(store, ["names", ...key]);
    this.outbox = new Outbox(store, ["outbox", ...key], {
      submit: (room, id, body) => this.requests.sendMessage(room, id, body),
      online: () => this.connection.session !== null,
      acknowledged: (room, _, ack) => this.acknowledged(room, ack),
      changed: (room) => this.changed(room),
    });
    this.hints = new Hints({
      timing,
      user: profile.user,
      send: (frame) => this.connection.session?.link.hint(frame),
      online: () => this.connection.session !== null,
      own: (room) => this.ownMark(room),
      head: (room) => this.logs.get(room)?.head ?? 0,
      typing: (room, users) => this.emit({ type: "typing", room, users }),
      marked: (room, user, mark) => {
        const log = this.logs.get(room);
        if (log && this.marks.raise(room, log.epoch, user, mark)) this.changed(room);
      },
    });
    this.connection = new Connection(options, this.ownDevice, timing, {
      welcomed: (session) => this.welcomed(session),
      pushed: (frame) => void this.pushed(frame),
      ping: () => void this.ping(),
      status: (status) => {
        if (status.phase === "ended") this.stop();
        this.emit({ type: "status", status });
      },
    });
    this.requests = new Requests(this.connection, this.ownDevice);
  }

  /** Connects, or continues without a connection if this device has connected before. */
  static async open(options: OpenOptions, store: Store, profile: Profile, timing: Timing): Promise<Client> {
    const client = new Client(options, store, profile, timing);
    await Promise.all([client.contacts, client.reads, client.marks, client.outbox, client.drafts, client.names].map((kept) => kept.load()));
    // The user's own first device is known from the start, so that a second one is
    // reported as new.
    await client.contacts.trust(profile.user, client.device);
    if (options.serviceKey) await client.ownDevice.trustServiceKey(options.serviceKey);
    const trust = await profile.trust();
    client.serviceKey = trust.serviceKey ?? "";
    client.audience = trust.audience ?? profile.address;
    for (const room of profile.rooms ?? []) client.takeRoom(room);
    await client.connection.open();
    return client;
  }

  get user(): string {
    return this.profile.user;
  }

  get device(): string {
    return this.profile.signer.kid;
  }

  get keysStored(): boolean {
    return this.profile.stored;
  }

  subscribe(listener: (event: ChatEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  status(): Status {
    return this.connection.status;
  }

  reconnect(): void {
    this.connection.hurry();
    // The connection may be dead; a ping without an answer ends it.
    void this.ping();
  }

  close(): void {
    this.connection.end(new SottoError("closed"));
  }

  private stop(): void {
    this.hints.stop();
    clearTimeout(this.asking);
    for (const log of this.logs.values()) log.stop();
  }

  // Rooms and messages.

  rooms(): readonly Room[] {
    return [...this.logs.values()].map((log) => this.roomOf(log)).sort((a, b) => (a.title + a.name < b.title + b.name ? -1 : 1));
  }

  private roomOf(log: RoomLog): Room {
    const own = log.entries.filter((entry) => entry.kind !== "gap" && entry.own).map((entry) => entry.seq!);
    const unread = this.reads.unread(log.room, log.head, log.floor, own);
    const last = log.entries.findLast((entry) => entry.kind === "message");
    const [title, closed] = [this.names.of(log.room), isClosed(log.room)];
    return { name: log.room, title, closed, head: log.head, unread, ...(last?.kind === "message" && { lastAt: last.at }) };
  }

  async join(room: string): Promise<void> {
    if (!isRoomName(room)) throw new SottoError("room_invalid");
    this.takeRoom(await this.requests.joinRoom(room));
    this.emit({ type: "rooms" });
  }

  async createOpen(name: string): Promise<void> {
    if (!isNewRoomName(name)) throw new SottoError("room_invalid");
    await this.requests.createRoom(name);
    await this.join(name);
  }

  async createClosed(name: string, allHistory: boolean): Promise<string> {
    if (!isRoomName(name)) throw new SottoError("room_invalid");
    const room = newClosedRoom();
    const { epoch, seq } = await this.requests.operate({ room, op: "create", name, history: allHistory ? "all" : "joined" });
    this.names.keep(room, name);
    this.takeRoom({ room, epoch, head: seq, floor: 1 });
    this.emit({ type: "rooms" });
    return room;
  }

  invitations(): readonly Invitation[] {
    return this.invited;
  }

  async accept(room: string): Promise<void> {
    const { epoch, seq } = await this.requests.operate({ room, op: "accept" });
    const { name, from } = await this.closedRoom(room);
    this.names.keep(room, name);
    this.takeRoom({ room, epoch, head: seq, floor: from });
    this.answered(room);
    this.emit({ type: "rooms" });
  }

  async decline(room: string): Promise<void> {
    await this.requests.operate({ room, op: "decline" });
    this.answered(room);
  }

  private answered(room: string): void {
    this.invited = this.invited.filter((invitation) => invitation.room !== room);
    this.emit({ type: "invitations" });
  }

  async closedRoom(room: string): Promise<ClosedRoom> {
    const [info] = (await this.requests.rooms(room)).rooms;
    if (info?.room !== room) throw new SottoError("protocol");
    return info;
  }

  async invite(room: string, user: string): Promise<void> {
    await this.requests.operate({ room, op: "invite", user });
  }

  async uninvite(room: string, user: string): Promise<void> {
    await this.requests.operate({ room, op: "decline", user });
  }

  async remove(room: string, user: string): Promise<void> {
    await this.requests.operate({ room, op: "remove", user });
  }

  async setRole(room: string, user: string, role: Role): Promise<void> {
    await this.requests.operate({ room, op: "role", user, role });
  }

  /**
   * Asks for the invitations, at most every 30 s: who sends many must not use up
   * the user's rate.
   */
  private askRoomsSoon(): void {
    if (this.asking !== undefined) return;
    const rest = this.roomsAsked + this.timing.invitations - Date.now();
    this.asking = setTimeout(() => {
      this.asking = undefined;
      void this.askRooms();
    }, Math.max(0, rest));
  }

  /** Asks for the names of closed rooms and for invitations. The next welcome asks again if it fails. */
  private async askRooms(): Promise<void> {
    this.roomsAsked = Date.now();
    try {
      const { rooms, invitations } = await this.requests.rooms();
      for (const { room, name } of rooms) this.names.keep(room, name);
      this.invited = invitations;
      this.emit({ type: "rooms" });
      this.emit({ type: "invitations" });
    } catch {
      // The connection has ended, or the service is busy.
    }
  }

  async leave(room: string): Promise<void> {
    if (!isRoom(room)) throw new SottoError("room_invalid");
    if (isClosed(room)) await this.requests.operate({ room, op: "leave" });
    else await this.requests.leaveRoom(room);
    this.drafts.keep(room, "");
    this.dropRoom(room);
    this.emit({ type: "rooms" });
  }

  timeline(room: string): Timeline {
    const log = this.logs.get(room);
    const logged = log?.entries ?? [];
    // After a lost ack the history may have a message that is still in the outbox.
    const inLog = new Set(logged.map((entry) => entry.key));
    const unsent = this.outbox.entries(room, this.user, this.device).filter((entry) => !inLog.has(entry.key));
    const entries = [...logged, ...unsent];
    const marks = Object.fromEntries(log ? this.marks.of(room, log.epoch) : []);
    return { room, entries, older: log?.older ?? false, marks, readUpTo: this.reads.read(room) };
  }

  async loadOlder(room: string): Promise<boolean> {
    return this.member(room).loadOlder();
  }

  send(room: string, body: string): string {
    this.member(room);
    // A text with a lone surrogate, such as half an emoji, cannot be signed.
    const text = body.toWellFormed();
    const { bytes, frame } = measure(room, this.user, text);
    if (bytes > maxBody) throw new SottoError("body_too_large");
    if (frame > maxFrame) throw new SottoError("frame_too_large");
    return `${this.device}.${this.outbox.add(room, text)}`;
  }

  retry(key: string): void {
    this.outbox.retry(key.slice(key.indexOf(".") + 1));
  }

  discard(key: string): void {
    this.outbox.discard(key.slice(key.indexOf(".") + 1));
  }

  draft(room: string): string {
    return this.drafts.of(room);
  }

  keepDraft(room: string, text: string): void {
    this.drafts.keep(room, text);
  }

  typing(room: string): void {
    if (this.logs.has(room)) this.hints.type(room);
  }

  presence(room: string): void {
    this.requests
      .presence(room)
      .then((presence) => {
        this.hints.ask(room);
        this.hints.noticed(room, presence.users);
        this.emit({ type: "presence", room, presence });
      })
      .catch(() => undefined); // the caller asks again within half a minute
  }

  markRead(room: string, seq: number): void {
    const log = this.logs.get(room);
    if (!log || !this.reads.raise(room, log.epoch, Math.min(seq, log.last))) return;
    this.hints.mark(room);
    this.changed(room);
  }

  // Devices and contacts.

  async devices(): Promise<readonly DeviceState[]> {
    return this.requests.devices();
  }

  async link(device: string): Promise<{ token: string; expires: number }> {
    if (!isThumbprint(device)) throw new SottoError("device_unknown");
    return this.ownDevice.link(device, this.audience);
  }

  async revoke(device: string): Promise<void> {
    await this.requests.revokeDevice(device);
  }

  async rotate(): Promise<number> {
    await this.profile.prepareRotation();
    return this.requests.rotateKey();
  }

  contact(user: string): Contact {
    return this.contacts.contact(user);
  }

  acceptDevices(user: string): void {
    void this.contacts.accept(user);
  }

  setVerified(user: string, verified: boolean): void {
    void this.contacts.setVerified(user, verified);
  }

  async safetyNumber(user: string): Promise<SafetyNumber | null> {
    const party = (name: string) => ({ user: name, devices: this.contacts.devices(name) });
    if (user === this.user || party(user).devices.length === 0) return null;
    return safetyNumber(party(this.user), party(user));
  }

  // The connection.

  /** Applies a welcome. */
  private welcomed(session: Session): void {
    this.serviceKey = session.keys.serviceKey;
    this.audience = session.keys.audience;
    const names = new Set(session.rooms.map((state) => state.room));
    for (const room of [...this.logs.keys()]) if (!names.has(room)) this.dropRoom(room);
    for (const state of session.rooms) this.takeRoom(state);
    this.wasOnline = true;
    this.hints.reconnected();
    this.outbox.flush();
    this.emit({ type: "rooms" });
    void this.askRooms();
  }

  /** Asks for the rooms' heads, which reveals a lost last message. */
  private async ping(): Promise<void> {
    try {
      const heads = Object.fromEntries([...this.logs.values()].map((log) => [log.room, log.last]));
      for (const { room, epoch, head } of await this.requests.ping(heads)) this.logs.get(room)?.observe(epoch, head, 0);
    } catch {
      // A dead connection has ended; other errors are retried by the next ping.
    }
  }

  /**
   * Returns whether a push may be handled. After a late one the service's time is
   * asked for again.
   */
  private isFresh(frame: Members): boolean {
    const taken = this.connection.session?.pushes.take(frame);
    if (taken === "late" && Date.now() - this.timeAsked > this.timing.reply) {
      this.timeAsked = Date.now();
      void this.ping();
    }
    return taken === "fresh";
  }

  /**
   * Handles a frame that answers no request. A malformed one is ignored. A message is
   * known by its place, any other push by its number.
   */
  private async pushed(frame: Members): Promise<void> {
    try {
      if (frame.type !== "message" && !this.isFresh(frame)) return;
      if (frame.type === "serverKey") return await this.connection.session?.updateKeySet(string(frame, "keyset"));
      const room = typeof frame.room === "string" ? frame.room : "";
      if (frame.type === "invited") return this.askRoomsSoon();
      if (frame.type === "removed" && this.logs.has(room)) {
        const title = this.names.of(room);
        this.dropRoom(room);
        this.emit({ type: "rooms" });
        return this.emit({ type: "removed", title });
      }
      const log = this.logs.get(room);
      if (!log) return;
      if (frame.type === "message") log.deliver(frame);
      else if (frame.type === "typing") this.hints.typed(room, string(frame, "user"));
      else if (frame.type === "mark") {
        this.hints.marked(room, string(frame, "user"), { delivered: integer(frame, "delivered"), read: integer(frame, "read") });
      }
    } catch {
      // A frame that breaks the protocol is ignored.
    }
  }

  private acknowledged(room: string, ack: Ack): void {
    const log = this.logs.get(room);
    log?.expect(ack.epoch, ack.seq);
    if (log) this.outbox.passed(room, log.epoch, log.last);
  }

  // Logs.

  private takeRoom(state: RoomState): void {
    this.reads.track(state.room, state.epoch, state.head);
    const log = this.logs.get(state.room);
    if (log) return log.resume(state, !this.wasOnline);
    this.logs.set(
      state.room,
      new RoomLog(
        {
          timing: this.timing,
          open: (frame) => this.ownDevice.openMessage(frame),
          history: (room, after, limit) => this.requests.history(room, after, limit),
          keyGen: () => this.profile.gen,
          entry: (opened) => this.entry(opened),
          appended: (log, entry, live) => this.appended(log, entry, live),
          restarted: (log) => {
            this.reads.track(log.room, log.epoch, log.head);
            this.hints.forget(log.room);
            this.marks.forget(log.room);
          },
          changed: (log) => {
            this.hints.settle(log.room);
            this.changed(log.room);
          },
        },
        state,
      ),
    );
  }

  private dropRoom(room: string): void {
    this.logs.get(room)?.stop();
    this.logs.delete(room);
    this.hints.forget(room);
    this.marks.forget(room);
    this.names.forget(room);
    this.changed(room);
  }

  private entry(opened: Opened): Entry {
    if (opened.newDevice) this.emit({ type: "newDevice", user: opened.from, device: opened.device });
    return shown(opened, { user: this.user, device: this.device, serviceKey: this.serviceKey });
  }

  private appended(log: RoomLog, entry: Entry, live: boolean): void {
    this.outbox.passed(log.room, log.epoch, log.last);
    // An own entry right after the last one read counts as read.
    if (entry.kind !== "gap" && entry.own && this.reads.read(log.room) === log.last - 1) this.reads.raise(log.room, log.epoch, log.last);
    if (entry.kind === "message") {
      if (entry.device === this.device) this.outbox.settled(entry.id);
      this.hints.stopTyping(log.room, entry.from);
      this.hints.noticed(log.room, [entry.from]);
      if (live && !entry.own) this.emit({ type: "message", message: entry });
    }
    this.hints.mark(log.room);
  }

  private ownMark(room: string): { delivered: number; read: number } {
    const delivered = this.logs.get(room)?.last ?? 0;
    return { delivered, read: Math.min(this.reads.read(room), delivered) };
  }

  private member(room: string): RoomLog {
    const log = this.logs.get(room);
    if (!log) throw new SottoError("not_a_member");
    return log;
  }

  // Events.

  /** A listener that throws does not keep the event from the others, nor end the connection. */
  private emit(event: ChatEvent): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(event);
      } catch (error) {
        reportError(error); // as the browser does for its own events
      }
    }
  }

  /**
   * Emits one event for all changes of a turn: a page of history changes a room
   * a hundred times.
   */
  private changed(room: string): void {
    if (this.dirty.size === 0) setTimeout(() => this.emitChanges());
    this.dirty.add(room);
  }

  private emitChanges(): void {
    const rooms = [...this.dirty];
    this.dirty.clear();
    for (const room of rooms) this.emit({ type: "timeline", room });
    this.emit({ type: "rooms" });
  }
}
