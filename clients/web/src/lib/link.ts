/**
 * One WebSocket connection. It matches answers to requests by `ref` and passes
 * all other frames on.
 */
import { encode64, random, utf8 } from "./bytes";
import { SottoError, wireError } from "./errors";
import { type Members, parseObject } from "./json";
import { authenticate, isAuthentic, type MACKeys } from "./mac";
import { maxFrame } from "./names";
import type { Timing } from "./timing";

/** The members of a client's frame; protocol §3 says which action has which. */
export interface Request {
  action: string;
  v?: number;
  user?: string;
  proof?: string;
  jwe?: string;
  room?: string;
  after?: number;
  limit?: number;
  delivered?: number;
  read?: number;
  heads?: Record<string, number>;
}

interface Waiting {
  kind: string;
  resolve(answer: Members): void;
  reject(error: SottoError): void;
}

/** Above what API Gateway can post, 128 KB. */
const readLimit = 256 << 10;

export class Link {
  /** Why the connection has ended; absent while it is open. */
  error?: SottoError;
  /** Resolves when it ends. */
  readonly ended: Promise<SottoError>;
  /** Handles frames that answer no request. */
  pushed: (frame: Members) => void = () => {};

  /** The session's keys, from the proof on: all frames are authenticated with them. */
  keys?: MACKeys;

  /** WebCrypto is asynchronous; these keep the order of the frames. */
  private sending: Promise<void> = Promise.resolve();
  private receiving: Promise<void> = Promise.resolve();
  private readonly waiting = new Map<string, Waiting>();
  private resolveEnded!: (error: SottoError) => void;

  private constructor(
    private readonly ws: WebSocket,
    private readonly timing: Timing,
  ) {
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    ws.onclose = ws.onerror = () => this.end(new SottoError("offline"));
    ws.onmessage = ({ data }) => {
      this.receiving = this.receiving.then(() => this.receive(data)).catch(() => this.end(new SottoError("browser")));
    };
  }

  /** Opens a connection. Error: offline. */
  static dial(url: string, timing: Timing): Promise<Link> {
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(url);
      const link = new Link(ws, timing);
      const timer = setTimeout(() => link.end(new SottoError("offline")), timing.dial);
      ws.onopen = () => resolve(link);
      void link.ended.then(reject).finally(() => clearTimeout(timer));
      ws.addEventListener("open", () => clearTimeout(timer));
    });
  }

  /** Ends the connection at once. `error` is the reason. */
  end(error: SottoError): void {
    if (this.error) return;
    this.error = error;
    this.ws.onclose = this.ws.onerror = this.ws.onmessage = null;
    this.ws.close();
    for (const waiting of this.waiting.values()) waiting.reject(error);
    this.waiting.clear();
    this.resolveEnded(error);
  }

  /**
   * Sends a frame and returns its answer. Errors: those of the closed list; offline
   * if the connection ends first; frame_too_large. A timeout ends the connection: a
   * browser cannot send WebSocket pings, so this detects a dead network.
   */
  request(frame: Request, kind: string): Promise<Members> {
    const ref = encode64(random(16));
    return new Promise<Members>((resolve, reject) => {
      const timer = setTimeout(() => this.end(new SottoError("offline")), this.timing.reply);
      const settled = <T>(then: (value: T) => void) => (value: T): void => {
        clearTimeout(timer);
        then(value);
      };
      this.waiting.set(ref, { kind, resolve: settled(resolve), reject: settled(reject) });
      this.write(frame, ref).catch((error: unknown) => {
        this.waiting.delete(ref);
        settled(reject)(error);
      });
    });
  }

  /** Sends a frame that has no answer. It is best effort. */
  hint(frame: Request): void {
    this.write(frame, "hint").catch(() => undefined); // the connection has ended
  }

  private async write(frame: Request, ref: string): Promise<void> {
    const plain = JSON.stringify({ ...frame, ref });
    const keys = frame.action === "handshake" ? undefined : this.keys;
    const sent = this.sending.then(async () => {
      const data = keys ? await authenticate(keys.toService, plain) : plain;
      if (this.error) throw this.error;
      // API Gateway closes the connection with 1009 for larger frames.
      if (utf8(data).length > maxFrame) throw new SottoError("frame_too_large");
      this.ws.send(data);
    });
    this.sending = sent.catch(() => undefined);
    return sent;
  }

  private async receive(data: unknown): Promise<void> {
    if (this.error || typeof data !== "string") return;
    if (data.length > readLimit) return this.end(new SottoError("protocol"));
    const { keys } = this;
    const proven = keys !== undefined && (await isAuthentic(keys.toClient, data));
    if (!this.error) this.dispatch(data, proven);
  }

  private dispatch(data: string, proven: boolean): void {
    let frame: Members = {};
    try {
      frame = parseObject(data);
    } catch {
      // Treated like a frame without a type, as API Gateway's own errors are.
    }
    const type = typeof frame.type === "string" ? frame.type : "";
    // Only an error can come without a MAC from the service itself: it does not know
    // this session any more. Everything else is forged.
    if (this.keys && !proven && type) return type === "error" ? this.end(new SottoError("unproven")) : undefined;
    const ref = type && typeof frame.ref === "string" ? frame.ref : "";
    const keyset = typeof frame.keyset === "string" ? frame.keyset : "";
    const error = type === "error" ? wireError(String(frame.code), frame.retry === true, keyset, !proven) : null;
    const waiting = this.waiting.get(ref);
    if (waiting) {
      this.waiting.delete(ref);
      if (error) waiting.reject(error);
      else if (type === waiting.kind) waiting.resolve(frame);
      else waiting.reject(new SottoError("protocol"));
    } else if (!ref && (!type || error)) {
      // The error does not name its request. It belongs to the only pending one;
      // if there are several, all are retried.
      const meant = error && this.waiting.size === 1 ? error : new SottoError("try_again");
      for (const each of this.waiting.values()) each.reject(meant);
      this.waiting.clear();
    } else if (!error) this.pushed(frame);
  }
}

