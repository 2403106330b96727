// The real local stack with the built page, and the terminal client. They run as
// processes with a new data folder, on a free port.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

const root = resolve(import.meta.dirname, "../../..");
const dist = join(root, "clients/web/dist");
/** Kept between runs for the compiled functions in it; all other data is new each time. */
const work = join(root, "clients/web/node_modules/.e2e");
const data = join(work, "data");
const suffix = process.platform === "win32" ? ".exe" : "";

/** Compiles the stack and the terminal client; Go's cache makes that short. */
export async function build(): Promise<void> {
  if (!existsSync(join(dist, "index.html"))) throw new Error("there is no clients/web/dist: make web");
  mkdirSync(data, { recursive: true });
  await run("go", ["build", "-o", work, "./localstack", "./clients/sotto"], { cwd: root });
  new Stack().clean();
  rmSync(join(work, "profiles"), { recursive: true, force: true });
}

export class Stack {
  /** Where the page is: http://127.0.0.1:PORT/ */
  url = "";
  /** Its log, for a failed test. */
  log = "";
  private process: ChildProcess | null = null;

  /** Starts it, again on the same port if it ran before. Resolves once it is ready. */
  async start(): Promise<void> {
    const listen = this.url === "" ? "127.0.0.1:0" : new URL(this.url).host;
    const child = spawn(join(work, `localstack${suffix}`), ["-template", root, "-listen", listen, "-data", data, "-web", dist], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    child.stderr.on("data", (text) => (this.log += text));
    const ended = new Promise<never>((_, reject) => {
      child.once("exit", (code, signal) => reject(new Error(`the stack ended (${code ?? signal}):\n${this.log}`)));
    });
    ended.catch(() => {}); // handled by the race below
    const ready = new Promise<void>((done) => {
      createInterface(child.stdout).on("line", (line) => {
        this.url = /web client (\S+)/.exec(line)?.[1] ?? this.url;
        if (line.includes("Ctrl-C stops")) done();
      });
    });
    await Promise.race([ready, ended]);
  }

  /** Kills it, like a crash. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** Deletes its data, like `make clean`, but keeps the compiled functions. It must not run. */
  clean(): void {
    for (const name of readdirSync(data)) if (name !== "functions") rmSync(join(data, name), { recursive: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
  }

  /** Replaces the faults that are on (docs/local-stack-faults.md). */
  async faults(...faults: object[]): Promise<void> {
    await this.call("PUT", "_localstack/faults", { "X-Localstack-Faults": "1" }, JSON.stringify({ faults }));
  }

  /** Makes a new server key, as the schedule does. */
  async rotateServerKey(): Promise<void> {
    await this.call("POST", "2015-03-31/functions/local-RotateServerKeyFunction/invocations", {
      Authorization: "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0",
    });
  }

  private async call(method: string, path: string, headers: Record<string, string>, body?: string): Promise<void> {
    const answer = await fetch(this.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  }

  /** Runs the terminal client to its end, `input` as its stdin, and returns what it printed. */
  async sotto(args: [command: string, ...rest: string[]], input = ""): Promise<string> {
    const [command, ...rest] = args;
    const all = [command, "--profile", join(work, "profiles"), "--url", `${this.url.replace("http", "ws")}local`, ...rest];
    const running = run(join(work, `sotto${suffix}`), all, { maxBuffer: 1 << 24 });
    running.child.stdin?.end(input);
    return (await running).stdout;
  }
}
