/** Which deployment is behind a WebSocket address, and where it is for this page. */
import { parseObject } from "./json";

/**
 * Names the deployment behind a WebSocket URL as its `aud` does: host, port
 * unless it is the scheme's own, and path. localhost counts as 127.0.0.1, so that
 * both spellings mean one set of keys.
 */
export function address(url: string): string {
  const u = new URL(url);
  if ((u.protocol !== "ws:" && u.protocol !== "wss:") || u.username || u.password || u.search || u.hash) {
    throw new TypeError("a WebSocket address looks like wss://HOST/STAGE");
  }
  const host = u.hostname === "localhost" ? "127.0.0.1" : u.hostname;
  return host + (u.port && `:${u.port}`) + u.pathname.replace(/\/+$/, "");
}

/** Whether an address that `address` made is of this machine, where no stranger answers. */
export function isLoopback(address: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/.test(address);
}

/**
 * The service's address: what /config.json beside the page says, else the stage
 * `local` of the page's own host, where the local stack has it.
 */
export async function serviceAddress(): Promise<{ url: string; serviceKey?: string }> {
  const own = new URL("/local", location.href);
  own.protocol = own.protocol === "https:" ? "wss:" : "ws:";
  try {
    const answer = await fetch("/config.json", { cache: "no-cache" });
    if (!answer.ok) return { url: own.href };
    const config = parseObject(await answer.text());
    if (typeof config.url !== "string") return { url: own.href };
    address(config.url);
    return typeof config.serviceKey === "string" ? { url: config.url, serviceKey: config.serviceKey } : { url: config.url };
  } catch {
    return { url: own.href };
  }
}
