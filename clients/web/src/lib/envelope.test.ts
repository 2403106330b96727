/** The vectors of shared/envelope/testdata, which all implementations of the protocol must pass. */
import { readdirSync, readFileSync } from "node:fs";
import * as jose from "jose";
import { describe, expect, test } from "vitest";
import { type Bytes, decode64, encode64, utf8 } from "./bytes";
import * as envelope from "./envelope";
import { type SealKey, sealKey, type VerifyKey, verifyKey } from "./jwk";

const testdata = new URL("../../../../shared/envelope/testdata/", import.meta.url);

interface Vector {
  comment: string;
  kind?: "Ed25519" | "RSA";
  seed?: string;
  pkcs8?: string;
  jwk?: string;
  canonical?: string;
  thumbprint?: string;
  key?: string;
  typ?: string;
  carriesJWK?: boolean;
  token?: string;
  text?: string;
  stage?: "parse" | "open";
}

const read = (path: string): Vector => JSON.parse(readFileSync(new URL(path, testdata), "utf8"));

function eachVector(folder: string, check: (v: Vector) => Promise<void>) {
  describe(folder, () => {
    for (const file of readdirSync(new URL(folder, testdata))) {
      test(file.replace(".json", ""), () => check(read(`${folder}/${file}`)));
    }
  });
}

const publicOf = (v: Vector): VerifyKey | Promise<VerifyKey | SealKey> =>
  v.kind === "RSA" ? sealKey(v.jwk ?? v.canonical!) : verifyKey(v.jwk ?? v.canonical!);

const verifier = (name: string) => publicOf(read(`keys/${name}.json`)) as Promise<VerifyKey>;

async function opener(name: string): Promise<envelope.Opener> {
  const v = read(`keys/${name}.json`);
  const key = (await publicOf(v)) as SealKey;
  return { kid: key.kid, size: key.size, privateKey: await rsaPrivate(v) };
}

const rsaPrivate = (v: Vector) =>
  crypto.subtle.importKey("pkcs8", decode64(v.pkcs8!), { name: "RSA-OAEP", hash: "SHA-256" }, false, ["decrypt"]);

/** PKCS #8 of an Ed25519 seed (RFC 8410 §7): sixteen fixed bytes, then the seed. */
function ed25519Private(seed: string): Promise<CryptoKey> {
  const der: Bytes = new Uint8Array([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20, ...decode64(seed)]);
  return crypto.subtle.importKey("pkcs8", der, "Ed25519", false, ["sign"]);
}

async function signer(name: string): Promise<envelope.Signer> {
  const v = read(`keys/${name}.json`);
  const { kid, jwk } = await verifyKey(v.canonical!);
  return { kid, jwk, privateKey: await ed25519Private(v.seed!) };
}

async function accepted(v: Vector) {
  const key = await publicOf(v);
  expect(key.jwk).toBe(v.canonical);
  expect(key.kid).toBe(v.thumbprint);
}

eachVector("keys", accepted);
eachVector("jwk", accepted);

eachVector("signed", async (v) => {
  const signed = await envelope.parseSigned(v.token!, v.typ as envelope.SignedType);
  expect(await envelope.verify(signed, await verifier(v.key!))).toBe(v.text ?? "");
  expect(signed.key !== null).toBe(v.carriesJWK ?? false);
});

eachVector("sealed", async (v) => {
  const sealed = envelope.parseSealed(v.token!, v.typ as envelope.SealedType);
  expect(await envelope.open(sealed, await opener(v.key!))).toBe(v.text ?? "");
});

eachVector("refused-jwk", async (v) => {
  await expect(publicOf(v), v.comment).rejects.toThrow("key not acceptable");
});

eachVector("refused-signed", async (v) => {
  const parsed = envelope.parseSigned(v.token!, v.typ as envelope.SignedType);
  if (v.stage === "parse") return expect(parsed, v.comment).rejects.toThrow(envelope.SignatureError);
  const signed = await parsed; // must pass, so that verify is tested
  return expect(envelope.verify(signed, await verifier(v.key!)), v.comment).rejects.toThrow(envelope.SignatureError);
});

eachVector("refused-sealed", async (v) => {
  const parse = () => envelope.parseSealed(v.token!, v.typ as envelope.SealedType);
  if (v.stage === "parse") return expect(parse, v.comment).toThrow(envelope.EnvelopeError);
  return expect(envelope.open(parse(), await opener(v.key!)), v.comment).rejects.toThrow(envelope.EnvelopeError);
});

describe("tokens of this library", () => {
  const claims = '{"v":1,"body":"<ada> & \u2603 \ud83d\ude00"}';

  test("a signature is the same as in Go", async () => {
    const v = read("signed/message.json");
    expect(await envelope.sign(await signer(v.key!), "sotto-message+jwt", v.text!)).toBe(v.token);
    const carrying = read("signed/handshake-with-jwk.json");
    expect(await envelope.sign(await signer(carrying.key!), "sotto-handshake+jwt", carrying.text!, true)).toBe(carrying.token);
  });

  test("jose verifies a signature", async () => {
    const token = await envelope.sign(await signer("ada"), "sotto-message+jwt", claims);
    const { payload } = await jose.compactVerify(token, await jose.importJWK(JSON.parse(read("keys/ada.json").canonical!), "EdDSA"));
    expect(new TextDecoder().decode(payload)).toBe(claims);
  });

  test("jose opens an envelope, and this library opens one of jose", async () => {
    const v = read("keys/device.json");
    const to = (await publicOf(v)) as SealKey;
    const token = await envelope.seal(to, "sotto-send+jwe", claims);
    const { plaintext } = await jose.compactDecrypt(token, await rsaPrivate(v));
    expect(new TextDecoder().decode(plaintext)).toBe(claims);
    const theirs = await new jose.CompactEncrypt(utf8(claims))
      .setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM", kid: to.kid, typ: "sotto-send+jwe" })
      .encrypt(to.crypto);
    expect(await envelope.open(envelope.parseSealed(theirs, "sotto-send+jwe"), await opener("device"))).toBe(claims);
  });

  test("two envelopes of one text differ", async () => {
    const to = (await publicOf(read("keys/device.json"))) as SealKey;
    const [one, two] = await Promise.all([envelope.seal(to, "sotto-send+jwe", "x"), envelope.seal(to, "sotto-send+jwe", "x")]);
    expect(one.split(".")[3]).not.toBe(two.split(".")[3]);
  });

  test("only handshakes and key sets carry a key", async () => {
    await expect(envelope.sign(await signer("ada"), "sotto-message+jwt", "{}", true)).rejects.toThrow(envelope.SignatureError);
  });
});

describe("bounds", () => {
  test("a huge token is refused before it is decoded", async () => {
    const huge = `${"A".repeat(40_000)}.${"A".repeat(40_000)}.${"A".repeat(86)}`;
    await expect(envelope.parseSigned(huge, "sotto-message+jwt")).rejects.toThrow(envelope.SignatureError);
    expect(() => envelope.parseSealed(".".repeat(1 << 20), "sotto-send+jwe")).toThrow(envelope.EnvelopeError);
  });

  test("a token that is too large is not made", async () => {
    await expect(envelope.sign(await signer("ada"), "sotto-message+jwt", "x".repeat(32 << 10))).rejects.toThrow(envelope.SignatureError);
  });

  test("base64url has one spelling", () => {
    for (const s of ["A", "AB", "AA==", "A A", "AA\n", "+w", "_x8\u0000", "\u00e4A"]) {
      expect(() => decode64(s), s).toThrow();
    }
    for (const n of [0, 1, 2, 3, 100, 20_000]) {
      const bytes = new Uint8Array(n).fill(0xfb);
      expect(decode64(encode64(bytes))).toEqual(bytes);
    }
  });
});
