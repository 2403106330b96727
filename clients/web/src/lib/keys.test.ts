/** Trust: the service's key, devices, links, rotations, and what the browser stores of them. */
import "fake-indexeddb/auto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { address, isLoopback } from "./address";
import { BrowserStore } from "./browserstore";
import { decodeQR } from "qr/decode.js";
import { compareSafety, linkText, parseLinkText, type Party, readLinkRequest, safetyNumber } from "./compare";
import { asError, SottoError } from "./errors";
import { parseObject } from "./json";
import { isMessageID, measure, newMessageID } from "./names";
import { qrMatrix } from "./qr";
import { MemoryStore } from "./store";
import { unhandledRejections } from "./testing/rejections";
import { events, shows, texts, until, world } from "./testing/world";

const w = world();
const rejections = unhandledRejections();
const vectors = <T>(name: string): T[] => JSON.parse(readFileSync(new URL(`../../../../shared/envelope/testdata/${name}`, import.meta.url), "utf8")) as T[];

describe("the service's key set", () => {
  test.each([
    ["an older generation", { gen: 0 }, "protocol"],
    ["an expired one", { exp: Math.floor(Date.now() / 1000) - 1 }, "key_set_expired"],
    ["no keys", { keys: [] }, "protocol"],
    ["an invalid key", { keys: ["x"] }, "protocol"],
    ["no audience", { aud: "" }, "protocol"],
    ["no session key", { session: undefined }, "protocol"],
    ["version 1 of the protocol", { v: undefined }, "version_unsupported"],
    ["version 3 of the protocol", { v: 3 }, "version_unsupported"],
  ])("is refused with %s", async (_, claims, code) => {
    w.service.claims = claims;
    await expect(w.chat("ada")).rejects.toMatchObject({ code });
  });

  test("is compared with the values pinned at first use", async () => {
    const store = new MemoryStore();
    await w.chat("ada", store);
    await w.service.rotate();
    (await w.chat("ada", store)).close();
    w.service.claims = { gen: 1 };
    await expect(w.chat("ada", store)).rejects.toMatchObject({ code: "key_set_older" });
    await w.library(store).acceptOlderKeys(w.service.url);
    (await w.chat("ada", store)).close(); // the same device, at the same service
    w.service.claims = { aud: "other.example/prod" };
    await expect(w.chat("ada", store)).rejects.toMatchObject({ code: "wrong_audience" });
    w.service.claims = {};
    await w.service.renew();
    await expect(w.chat("bob", store)).rejects.toMatchObject({ code: "service_key_changed" });
    await w.library(store).forgetService(w.service.url);
    expect((await w.chat("bob", store)).serviceKey).toBe(w.service.signer.kid);
  });

  test("may be pinned before the first use", async () => {
    const other = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    await expect(w.chat("ada", new MemoryStore(), { serviceKey: other })).rejects.toMatchObject({ code: "service_key_changed" });
    await w.chat("ada", new MemoryStore(), { serviceKey: w.service.signer.kid });
  });
});

describe("devices", () => {
  test("a second one is linked by the first, and others are warned", async () => {
    const ada = await w.chat("ada");
    const bob = await w.chat("bob");
    await w.chat("carol");
    ada.send("lobby", "first device");
    await shows(bob, "first device");
    const store = new MemoryStore();
    await expect(w.chat("ada", store)).rejects.toMatchObject({ code: "name_taken", retry: false });
    const { device, qr } = await w.library(store).linkRequest(w.service.url, "ada");
    expect(qr).toBe(`sotto:link?user=ada&dev=${device}&aud=sotto.example/local`);
    const { token } = await ada.link(readLinkRequest(qr, "ada", ada.audience)!);
    const received = events(bob);
    const second = await w.chat("ada", store, { link: token });
    expect(second.device).toBe(device);
    expect(second.contact("ada").devices.map((d) => d.fresh)).toEqual([false, false]);
    second.send("lobby", "second device");
    await shows(bob, "first device", "second device");
    expect(bob.timeline("lobby").entries).toMatchObject([{ newDevice: false }, { newDevice: true }]);
    expect(received).toContainEqual({ type: "newDevice", user: "ada", device });
    expect(bob.contact("ada").devices.map((d) => d.fresh)).toEqual([false, true]);
    bob.acceptDevices("ada");
    expect(bob.contact("ada").devices.map((d) => d.fresh)).toEqual([false, false]);
    await shows(ada, "first device", "second device");
    expect(ada.timeline("lobby").entries[1]).toMatchObject({ own: true, state: "received", newDevice: false });

    expect((await ada.devices()).map((d) => d.current)).toEqual([true, false]);
    await ada.revoke(device);
    await until("the revoked one has ended", () => second.status().phase === "ended");
    expect(second.status()).toMatchObject({ error: { code: "device_revoked" } });
    expect(() => second.send("lobby", "x")).not.toThrow(); // kept, never sent
    expect(texts(bob)).toHaveLength(2);

    // Its keys are refused for good. New ones are linked, and nothing else was lost.
    const again = w.library(store);
    await expect(w.chat("ada", store)).rejects.toMatchObject({ code: "device_revoked" });
    await again.renew(w.service.url, "ada");
    const renewed = (await again.linkRequest(w.service.url, "ada")).device;
    expect(renewed).not.toBe(device);
    const third = await w.chat("ada", store, { link: (await ada.link(renewed)).token });
    expect(third.device).toBe(renewed);
    await shows(bob, "first device", "second device", "x");
  });

  test("safety numbers agree, and change with a device", async () => {
    const ada = await w.chat("ada");
    const bob = await w.chat("bob");
    expect(await ada.safetyNumber("bob")).toBeNull();
    ada.send("lobby", "hi");
    await shows(bob, "hi");
    bob.send("lobby", "ho");
    await shows(ada, "hi", "ho");
    const number = await ada.safetyNumber("bob");
    expect(number).toEqual(await bob.safetyNumber("ada"));
    ada.setVerified("bob", true);
    expect(ada.contact("bob").verified).toBe(true);
    const store = new MemoryStore();
    const { device } = await w.library(store).linkRequest(w.service.url, "bob");
    const second = await w.chat("bob", store, { link: (await bob.link(device)).token });
    second.send("lobby", "from elsewhere");
    await shows(ada, "hi", "ho", "from elsewhere");
    expect(ada.contact("bob").verified).toBe(false);
    expect(await ada.safetyNumber("bob")).not.toEqual(number);
  });

  test("a device found in older history is pinned without a warning, which follows at its next message", async () => {
    const bob = await w.chat("bob");
    bob.send("lobby", "from the first");
    await shows(bob, "from the first");
    for (let i = 0; i < 60; i++) bob.send("lobby", `${i}`);
    const store = new MemoryStore();
    const { device } = await w.library(store).linkRequest(w.service.url, "bob");
    const second = await w.chat("bob", store, { link: (await bob.link(device)).token });
    await until("all is stored", () => w.service.rooms.get("lobby")!.log.length === 61);
    const ada = await w.chat("ada");
    second.send("lobby", "from the second");
    await shows(ada, "from the second");
    const received = events(ada);
    await ada.loadOlder("lobby");
    expect(ada.contact("bob").devices.map((d) => d.fresh)).toEqual([false, false]);
    bob.send("lobby", "again");
    await until("the warning", () => received.some((e) => e.type === "newDevice" && e.device === bob.device));
  });
});

describe("rotation", () => {
  test("everything is sealed to the new key from then on", async () => {
    const ada = await w.chat("ada");
    const bob = await w.chat("bob");
    ada.send("lobby", "to the old key");
    await shows(bob, "to the old key");
    expect(await bob.rotate()).toBe(2);
    ada.send("lobby", "to the new key");
    await shows(bob, "to the old key", "to the new key");
    const keys = bob.timeline("lobby").entries.map((e) => e.kind === "message" && e.provenance?.deviceKey);
    expect(new Set(keys).size).toBe(2);
  });

  test("an interrupted one is completed by the next connection", async () => {
    const ada = await w.chat("ada");
    w.service.answer = (_, frame) => {
      if (frame.type !== "rotated") return [frame];
      w.service.drop();
      return [];
    };
    await expect(ada.rotate()).rejects.toMatchObject({ code: "offline" });
    await until("ada is back", () => ada.status().phase === "online");
    ada.send("lobby", "hello");
    await shows(ada, "hello");
    w.service.answer = (_, frame) => [frame];
    expect(await ada.rotate()).toBe(3);
  });
});

describe("what the browser stores", () => {
  test("keys that cannot be exported, across a reload", async () => {
    const url = w.service.url;
    const browser = new BrowserStore();
    const lib = w.library(browser);
    const first = await lib.open({ url, user: "ada" });
    expect(first.keysStored).toBe(true);
    first.close();
    const again = await lib.open({ url, user: "ada" });
    expect(again.device).toBe(first.device);
    expect(await lib.profiles(url)).toMatchObject([{ user: "ada", device: first.device }]);
    const [stored] = await browser.list<{ signer: { privateKey: CryptoKey }; pairs: { privateKey: CryptoKey }[] }>(["keys"]);
    for (const key of [stored!.signer.privateKey, stored!.pairs[0]!.privateKey]) {
      await expect(crypto.subtle.exportKey("pkcs8", key)).rejects.toThrow();
    }
    again.close();
    await lib.forget(url, "ada");
    expect(await lib.profiles(url)).toEqual([]);
    await expect(lib.open({ url, user: "ada" })).rejects.toMatchObject({ code: "name_taken" });
  });

  test("keys that cannot be stored last for the page, and keysStored says so", async () => {
    const store = new MemoryStore();
    const refusing = Object.assign(Object.create(store) as MemoryStore, {
      update: (key: readonly string[], change: (old: unknown) => unknown) =>
        key[0] === "keys" ? Promise.reject(new DOMException("x", "DataCloneError")) : store.update(key, change),
    });
    const ada = await w.chat("ada", refusing);
    expect(ada.keysStored).toBe(false);
    ada.send("lobby", "hello");
    await shows(ada, "hello");
    expect(await ada.rotate()).toBe(2);
  });
});

describe("a store that fails", () => {
  test("refuses no key set of the service", async () => {
    const store = new MemoryStore();
    store.update = () => Promise.reject(new DOMException("x", "QuotaExceededError"));
    const ada = await w.chat("ada", store);
    await w.service.rotate(true);
    w.service.deliver("lobby", { type: "serverKey", keyset: await w.service.keySet() });
    ada.send("lobby", "hello");
    await until("ada has the message back", () => ada.timeline("lobby").entries.some((e) => e.kind === "message" && e.state === "sent"));
    w.service.claims = { gen: 1 };
    w.service.drop();
    await until("the older key set is refused all the same", () => ada.status().phase === "ended");
    expect(ada.status()).toMatchObject({ error: { code: "key_set_older" } });
  });

  test("and loses everything loses no pinned value while the page is open", async () => {
    const store = new MemoryStore();
    const ada = await w.chat("ada", store);
    const bob = await w.chat("bob");
    bob.send("lobby", "hello");
    await shows(ada, "hello");
    for (const kind of ["keys", "contacts", "reads", "trust"]) await store.clear([kind]);
    ada.setVerified("bob", true);
    await until("it is stored again", async () => (await store.list(["contacts"])).length === 1);
    expect(ada.contact("bob")).toMatchObject({ devices: [{ device: bob.device }], verified: true });
    const { device } = ada;
    w.service.drop();
    await until("it is back with the same keys", async () => (await w.library(store).profiles(w.service.url))[0]?.device === device);
    await store.clear(["trust"]);
    await w.service.renew();
    w.service.drop();
    await until("the chat has ended", () => ada.status().phase === "ended");
    expect(ada.status()).toMatchObject({ error: { code: "service_key_changed" } });
  });

  test("rotates no key that it has if it cannot take the new one", async () => {
    const store = new BrowserStore({ step: 1_000, retry: 60_000 });
    const ada = await w.chat("ada", store);
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("x", "QuotaExceededError");
    };
    await expect(ada.rotate()).rejects.toMatchObject({ code: "storage" });
    IDBObjectStore.prototype.put = put;
    expect(await ada.rotate()).toBe(2);
  });

  test("is no fault of the service, nor is any other of the page", () => {
    for (const cause of [new DOMException("x", "InvalidStateError"), new TypeError("x"), "x"]) expect(asError(cause).code).toBe("browser");
    expect(() => parseObject("{")).toThrow(new SottoError("protocol"));
  });

  test("does not keep a refused connection from ending", async () => {
    const store = new MemoryStore();
    const ada = await w.chat("ada", store);
    const read = store.get.bind(store);
    store.get = ((key) => (key[0] === "keys" ? Promise.reject(new DOMException("x", "InvalidStateError")) : read(key))) as typeof store.get;
    w.service.refuse = (_, { proof }) => (proof ? "stale_device_key" : null);
    w.service.drop();
    await until("the chat has ended", () => ada.status().phase === "ended");
    expect(ada.status()).toMatchObject({ error: { code: "stale_device_key" } });
    expect(await rejections()).toEqual([]);
  });
});

describe("safety numbers and link requests", () => {
  interface Safety { comment: string; parties: [Party, Party]; groups?: string[]; text?: string }
  test.each(vectors<Safety>("safety.json"))("safety number: $comment", async ({ parties: [a, b], groups, text }) => {
    if (!groups) return expect(safetyNumber(a, b)).rejects.toThrow();
    for (const number of [await safetyNumber(a, b), await safetyNumber(b, a)]) expect(number).toEqual({ groups, qr: text });
    return undefined;
  });

  interface Link { comment: string; text: string; user?: string; dev?: string; aud?: string }
  const safe = (hash: string, a = "ada", b = "bob") => `sotto:safety?a=${a}&b=${b}&hash=${hash}`;
  const [one, other] = ["A".repeat(43), "B".repeat(43)] as const;
  test.each([
    [safe(one), "same"],
    [` ${safe(one)}\n`, "same"],
    [safe(other), "different"],
    [safe(one, "ada", "carol"), "others"],
    [safe(one, "bob", "ada"), "none"], // not sorted
    [safe(one, "ada", "admin"), "none"],
    [safe(one.slice(1)), "none"],
    [`${safe(one)}&c=carol`, "none"],
    ["sotto:link?user=ada", "none"],
    ["", "none"],
  ])("the code %j compares as %s", (text, want) => {
    expect(compareSafety(text, safe(one))).toBe(want);
  });

  test.each([
    ["a safety number", safe(one)],
    ["a link request", linkText({ user: "ada", dev: one, aud: "sotto.example/local" })],
    ["a link token", "eyJ".padEnd(600, "x7_")],
  ])("the QR code of %s is read back", (_, text) => {
    const [scale, quiet] = [4, 4];
    const modules = qrMatrix(text);
    const side = (modules.length + 2 * quiet) * scale;
    const data = new Uint8ClampedArray(side * side * 4).fill(255);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        if (modules[Math.floor(y / scale) - quiet]?.[Math.floor(x / scale) - quiet]) data.fill(0, 4 * (y * side + x), 4 * (y * side + x) + 3);
      }
    }
    expect(decodeQR({ width: side, height: side, data })).toBe(text);
  });

  test.each(vectors<Link>("links.json"))("link text: $comment", ({ text, user, dev, aud }) => {
    if (user === undefined) return expect(parseLinkText(text)).toBeNull();
    expect(parseLinkText(text)).toEqual({ user, dev, aud });
    expect(linkText({ user, dev: dev!, aud: aud! })).toBe(text);
    expect(readLinkRequest(text, "somebody-else")).toBeNull();
    expect(readLinkRequest(text, user, "another/aud")).toBeNull();
    return expect(readLinkRequest(` ${text}\n`, user, aud)).toBe(dev);
  });

  test("a QR code is square and has three finder patterns", () => {
    const modules = qrMatrix("sotto:link?user=ada");
    expect(modules.every((row) => row.length === modules.length)).toBe(true);
    const last = modules.length - 1;
    for (const [x, y] of [[0, 0], [0, last], [last, 0]] as const) expect(modules[y]![x]).toBe(true);
    expect(modules[last]![last - 6] && modules[last - 6]![last]).not.toBe(undefined);
  });
});

describe("names and addresses", () => {
  test("addresses are the same as in the Go client", () => {
    expect(address("ws://localhost:4566/local/")).toBe("127.0.0.1:4566/local");
    expect(address("ws://[::1]:4566/local")).toBe("[::1]:4566/local");
    expect(address("wss://Abc.Example:443/prod")).toBe("abc.example/prod");
    expect(address("wss://abc.example:80/prod")).toBe("abc.example:80/prod");
    for (const url of ["https://abc.example/prod", "wss://abc.example/prod?x=1", "wss://u:p@abc.example/x", "wss://abc.example/prod#x", "x"]) {
      expect(() => address(url), url).toThrow();
    }
    expect(["127.0.0.1:4566/local", "127.8.9.1/x", "[::1]/local"].every(isLoopback)).toBe(true);
    expect(["10.0.0.1:4566/x", "127.0.0.1.example/x", "localhost.example:1/x"].some(isLoopback)).toBe(false);
  });

  test("ids are ULIDs in order of creation", () => {
    const ids = Array.from({ length: 100 }, newMessageID);
    expect(ids.every(isMessageID)).toBe(true);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(100);
  });

  test("a text that fits by measure makes a frame that fits", async () => {
    const ada = await w.chat("ada");
    const unit = '"\u0001\n\u00e4';
    let body = unit;
    while (measure("lobby", "ada", body + unit).fits) body += unit;
    ada.send("lobby", body);
    await until("it is stored", () => w.service.rooms.get("lobby")!.log.length === 1);
    const frame = w.service.requests.find(({ request }) => request.action === "sendMessage")!.request;
    const size = JSON.stringify(frame).length;
    expect(size).toBeLessThanOrEqual(measure("lobby", "ada", body).frame);
    expect(size).toBeGreaterThan(31_000);
  });
});
