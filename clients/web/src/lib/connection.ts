/** Keeps a session alive: connects, and connects again with jittered back-off, until it is ended. */
import type { OpenOptions, Status } from "./api";
import type { Device } from "./device";
import { asError, SottoError } from "./errors";
import type { Members } from "./json";
import { isFinal, Session } from "./session";
import { delay, type Timing, tries } from "./timing";

export interface ConnectionPort {
  /** There is a session; it is the current one already. */
  welcomed(session: Session): void;
  /** The service sent something of its own accord; never before `welcomed`. */
  pushed(frame: Members): void;
  /** It is time to ask for the heads. */
  ping(): void;
  status(status: Status): void;
}

/** What waits between a welcome and its being taken. Only a service that misbehaves sends so much. */
const maxEarly = 1000;

export class Connection {
  session: Session | null = null;
  status: Status = { phase: "connecting" };
  /** Tries again now, if a try is waited for. */
  hurry = (): void => {};

  private ended: SottoError | null = null;
  /** The token by which another device vouches for this one, until it has served. */
  private link: string;

  constructor(
    private readonly options: OpenOptions,
    private readonly device: Device,
    private readonly timing: Timing,
    private readonly port: ConnectionPort,
  ) {
    this.link = options.link ?? "";
  }

  /**
   * Starts to connect. Resolves with the first session, or without one where the
   * service took this device before and is only out of reach. Errors: why not.
   */
  open(): Promise<void> {
    return new Promise((resolve, reject) => void this.run(resolve, reject));
  }

  /** The session; throws offline while there is none. */
  online(): Session {
    if (this.ended) throw this.ended;
    if (!this.session) throw new SottoError("offline");
    return this.session;
  }

  /** Ends it for good. */
  end(error: SottoError): void {
    if (this.ended) return;
    this.ended = error;
    this.session?.link.end(error);
    this.session = null;
    this.tell({ phase: "ended", error });
    this.hurry();
  }

  private async run(opened: () => void, refused: (error: SottoError) => void): Promise<void> {
    for (let n = 0; !this.ended; n++) {
      let error: SottoError;
      try {
        const session = await this.connect();
        opened();
        const pings = setInterval(() => this.port.ping(), this.timing.ping);
        error = await session.link.ended;
        clearInterval(pings);
        this.session = null;
        if (Date.now() - session.since > this.timing.steady) n = 0;
      } catch (cause) {
        error = asError(cause);
        if (error.code === "stale_device_key" && (await this.rotatedElsewhere())) continue;
        const wasIn = this.device.profile.rooms !== undefined;
        // At the first time, what cannot be reached is said at once, and what may
        // pass is tried a few times.
        if (isFinal(error) || (!wasIn && (error.code === "offline" || n >= tries))) {
          refused(error);
          return this.end(error);
        }
        if (wasIn) opened();
      }
      if (!this.ended) await this.pause(delay(this.timing.reconnect, n), error);
    }
  }

  private async connect(): Promise<Session> {
    // What the service pushes while the welcome is being opened is in nobody's
    // heads: it waits.
    const early: Members[] = [];
    let take = (frame: Members): void => {
      if (early.length < maxEarly) early.push(frame);
    };
    const session = await Session.connect(this.options.url, this.device, this.timing, this.link, (frame) => take(frame));
    this.link = ""; // this device is on record now
    if (this.ended) {
      session.link.end(this.ended);
      throw this.ended;
    }
    this.session = session;
    take = (frame) => this.port.pushed(frame);
    this.port.welcomed(session);
    early.forEach(take);
    this.tell({ phase: "online" });
    return session;
  }

  /** Another tab may have rotated the device's key. */
  private async rotatedElsewhere(): Promise<boolean> {
    const { gen } = this.device.profile.newest;
    await this.device.profile.reload();
    return this.device.profile.newest.gen > gen;
  }

  private pause(ms: number, error: SottoError): Promise<void> {
    this.tell({ phase: "waiting", retryAt: Date.now() + ms, error });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private tell(status: Status): void {
    this.status = status;
    this.port.status(status);
  }
}
