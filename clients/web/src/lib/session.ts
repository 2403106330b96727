/** A connection with a completed handshake (protocol §4), and requests on it. */
import type { Device, KeySet } from "./device";
import { asError, SottoError } from "./errors";
import { type Members, string } from "./json";
import { Link, type Request } from "./link";
import { version } from "./names";
import type { RoomState } from "./profile";
import { Pushes } from "./pushes";
import { delay, sleep, type Timing, tries } from "./timing";

/** How often a request is sealed again to a newer server key. */
const staleTries = 3;

export class Session {
  readonly since = Date.now();
  readonly pushes = new Pushes();

  private constructor(
    readonly link: Link,
    private readonly device: Device,
    private readonly timing: Timing,
    readonly sid: string,
    readonly rooms: readonly RoomState[],
    private keySet: KeySet,
  ) {}

  /** The newest key set; messages are sealed to its key. */
  get keys(): KeySet {
    return this.keySet;
  }

  /**
   * Connects and completes the handshake. `pushed` handles frames that answer no
   * request, from the first one on. Errors: offline, those of the service, and those
   * of its key set.
   */
  static async connect(url: string, device: Device, timing: Timing, linkToken: string, pushed: (frame: Members) => void): Promise<Session> {
    const link = await Link.dial(url, timing);
    link.pushed = pushed;
    try {
      const challenge = await link.request({ action: "handshake", v: version, user: device.user }, "challenge");
      // The signed key set names the version that counts.
      const keys = await device.acceptKeySet(string(challenge, "keyset"));
      const nonce = string(challenge, "nonce");
      const { proof, macKeys } = await device.prove(nonce, keys, linkToken);
      link.keys = macKeys; // every answer from now on is authenticated
      const welcome = await link.request({ action: "handshake", proof }, "welcome");
      const { sid, rooms, at } = await device.openWelcome(string(welcome, "jwe"), nonce);
      if (linkToken) await device.linked(linkToken);
      const session = new Session(link, device, timing, sid, rooms, keys);
      session.pushes.anchor(at);
      return session;
    } catch (cause) {
      const error = asError(cause);
      link.end(error);
      throw error;
    }
  }

  /** Replaces the key set if the new one is newer. */
  async updateKeySet(token: string): Promise<void> {
    const keys = await this.device.acceptKeySet(token);
    if (keys.gen > this.keySet.gen) this.keySet = keys;
  }

  /**
   * Sends a request until it is answered: again after a pause if the service asks
   * for a retry, and sealed again if the server key has changed.
   */
  async call(kind: string, make: () => Request | Promise<Request>): Promise<Members> {
    for (let retries = 0, stale = 0; ; ) {
      try {
        return await this.link.request(await make(), kind);
      } catch (cause) {
        const error = asError(cause);
        if (this.link.error) throw this.link.error;
        if (error.code === "handshake_required") {
          this.link.end(new SottoError("offline")); // the service forgot this connection
          throw this.link.error;
        }
        if (error.code === "stale_server_key" && error.keyset && stale++ < staleTries) await this.updateKeySet(error.keyset);
        else if (error.retry && retries < tries) await sleep(delay(this.timing.retry, retries++));
        else throw error;
      }
    }
  }
}

/** Reports whether another attempt to connect would fail in the same way. */
export function isFinal({ code, retry }: SottoError): boolean {
  const temporary = ["nonce_expired", "already_bound", "stale_server_key", "handshake_required"];
  return !retry && !temporary.includes(code);
}
