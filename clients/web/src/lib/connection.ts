/** Keeps a session: connects, and reconnects with jittered back-off, until it is ended. */
import type { OpenOptions, Status } from "./api";
import type { Device } from "./device";
import { asError, SottoError } from "./errors";
import type { Members } from "./json";
import { isFinal, Session } from "./session";
import { delay, type Timing, tries } from "./timing";

export interface ConnectionPort {
  /** There is a new session, which is already the current one. */
  welcomed(session: Session): void;
  /** A frame that answers no request arrived. It is never called before `welcomed`. */
  pushed(frame: Members): void;
  /** It is time to ask for the heads. */
  ping(): void;
  status(status: Status): void;
}

/** Frames queued until the welcome is handled. Only a faulty service sends so many. */
const maxEarly = 1000;

export class Connection {
  session: Session | null = null;
  status: Status = { phase: "connecting" };
  /** Ends the pause before the next attempt. */
  hurry = (): void => {};

  private ended: SottoError | null = null;
  /** The link token for this device, until it is used. */
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
   * Starts to connect. Resolves when there is a session, or without one if the
   * service has accepted this device before and cannot be reached. Rejects with the
   * reason.
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

  /** Ends the connection permanently. */
  end(error: SottoError): void {
    if (this.ended) return;
    this.ended = error;
    this.session?.link.end(error);
    this.session = null;
    this.setStatus({ phase: "ended", error });
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
        // The first time, an unreachable service is reported at once, and a temporary
        // error is retried a few times.
        // Nobody has proved an unproven error, so a client that was in does not give up.
        if ((isFinal(error) && !(wasIn && error.unproven)) || (!wasIn && (error.code === "offline" || n >= tries))) {
          refused(error);
          return this.end(error);
        }
        if (wasIn) opened();
      }
      if (!this.ended) await this.pause(delay(this.timing.reconnect, n), error);
    }
  }

  private async connect(): Promise<Session> {
    // Frames that arrive before the welcome is opened are queued, because their
    // messages are not in its heads.
    const early: Members[] = [];
    let take = (frame: Members): void => {
      if (early.length < maxEarly) early.push(frame);
    };
    const session = await Session.connect(this.options.url, this.device, this.timing, this.link, (frame) => take(frame));
    this.link = ""; // the service knows this device now
    if (this.ended) {
      session.link.end(this.ended);
      throw this.ended;
    }
    this.session = session;
    take = (frame) => this.port.pushed(frame);
    this.port.welcomed(session);
    early.forEach(take);
    this.setStatus({ phase: "online" });
    return session;
  }

  /** Another tab may have rotated the device's key. */
  private async rotatedElsewhere(): Promise<boolean> {
    const { gen } = this.device.profile.newest;
    await this.device.profile.reload();
    return this.device.profile.newest.gen > gen;
  }

  private pause(ms: number, error: SottoError): Promise<void> {
    this.setStatus({ phase: "waiting", retryAt: Date.now() + ms, error });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private setStatus(status: Status): void {
    this.status = status;
    this.port.status(status);
  }
}
