/** The protocol library of the web client; see `api.ts`. */
import type { Chat, Library, OpenOptions } from "./api";
import { address, serviceAddress } from "./address";
import { Client } from "./chat";
import { linkText, readLinkRequest } from "./compare";
import { BrowserStore } from "./browserstore";
import { SottoError } from "./errors";
import { isUserName } from "./names";
import { forgetDeployment, forgetGeneration, forgetKeys, forgetUser, listProfiles, Profile } from "./profile";
import type { Store } from "./store";
import { defaultTiming, type Timing } from "./timing";

export type * from "./api";
export { serviceAddress } from "./address";
export { compareSafety, readLinkRequest } from "./compare";
export { SottoError } from "./errors";
export { fingerprint, isNewRoomName, isRoomName, isUserName, maxBody, measure, presenceInterval } from "./names";

const browserStore = new BrowserStore();

/** What the page shows of the browser's storage. */
export const storage = {
  /** Whether everything so far is kept when the page is closed. */
  get works(): boolean {
    return browserStore.persistent;
  },
  /** Calls the listener when that may have changed. */
  watch: (listener: () => void): (() => void) => browserStore.watch(listener),
};

/** The library over a given store and durations, for tests. */
export function library(store: () => Promise<Store>, timing: Timing): Omit<Library, "qrMatrix" | "compareSafety" | "storage" | "measure" | "isUserName" | "isRoomName" | "isNewRoomName" | "fingerprint"> {
  const profile = async (url: string, user: string): Promise<Profile> => {
    if (!isUserName(user)) throw new SottoError("name_invalid");
    return Profile.load(await store(), address(url), user);
  };
  return {
    async open(options: OpenOptions): Promise<Chat> {
      return Client.open(options, await store(), await profile(options.url, options.user), timing);
    },
    serviceAddress,
    readLinkRequest,
    profiles: async (url) => listProfiles(await store(), address(url)),
    forget: async (url, user) => forgetUser(await store(), address(url), user),
    renew: async (url, user) => forgetKeys(await store(), address(url), user),
    acceptOlderKeys: async (url) => forgetGeneration(await store(), address(url)),
    forgetService: async (url) => forgetDeployment(await store(), address(url)),
    async linkRequest(url, user) {
      const own = await profile(url, user);
      const { audience } = await own.trust();
      const device = own.signer.kid;
      return { device, qr: linkText({ user, dev: device, aud: audience ?? own.address }) };
    },
  };
}

const here = library(async () => browserStore, defaultTiming);

/** Opens a chat that also reconnects when the network is back or the page is visible again. */
export async function open(options: OpenOptions): Promise<Chat> {
  // Otherwise a browser that is short of space may delete the keys.
  void navigator.storage?.persist?.().catch(() => false);
  const chat = await here.open(options);
  const wake = (): void => {
    if (document.visibilityState === "visible") chat.reconnect();
  };
  window.addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  chat.subscribe((event) => {
    if (event.type !== "status" || event.status.phase !== "ended") return;
    window.removeEventListener("online", wake);
    document.removeEventListener("visibilitychange", wake);
  });
  return chat;
}

export const { profiles, forget, renew, acceptOlderKeys, forgetService, linkRequest } = here;
