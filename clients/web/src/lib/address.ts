/** Names of deployments, and the address of this page's service. */
import { parseObject } from "./json";

/**
 * Returns the name of the deployment at a WebSocket URL, in the form of its `aud`:
 * host, port if it is not the scheme's default, and path. localhost becomes
 * 127.0.0.1, so that both spellings have the same keys.
 */
export function address(url: string): string {
  const u = new URL(url);
  if ((u.protocol !== "ws:" && u.protocol !== "wss:") || u.username || u.password || u.search || u.hash) {
    throw new TypeError("a WebSocket address has the form wss://HOST/STAGE");
  }
  const host = u.hostname === "localhost" ? "127.0.0.1" : u.hostname;
  return host + (u.port && `:${u.port}`) + u.pathname.replace(/\/+$/, "");
}

/** Reports whether an address from `address` is on this machine, where no attacker answers. */
export function isLoopback(address: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/.test(address);
}

/**
 * The service's address: the one in /config.json, or else the stage `local` on the
 * page's host, as on the local stack.
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
