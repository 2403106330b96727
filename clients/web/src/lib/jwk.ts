/**
 * Public keys of the protocol's profile (§2). Each has one spelling and is
 * named by its thumbprint.
 */
import { type Bytes, decode64, encode64, sha256 } from "./bytes";
import { hasExactly, isObject, type Members, parseObject } from "./json";
import { isSoundPoint } from "./point";

/** An Ed25519 key that verifies; `jwk` is its canonical text. */
export interface VerifyKey {
  readonly kid: string;
  readonly jwk: string;
  readonly crypto: CryptoKey;
}

/** An RSA key that seals; `size` is its modulus in bytes. */
export interface SealKey {
  readonly kid: string;
  readonly jwk: string;
  readonly size: number;
  readonly crypto: CryptoKey;
}

/** An RSA key of 3072 bits has about 610 bytes. */
const maxJWK = 1024;

/** A key outside the profile. */
export class KeyError extends Error {
  constructor() {
    super("key not acceptable");
  }
}

const oaep = { name: "RSA-OAEP", hash: "SHA-256" };

export async function verifyKeyFromBytes(x: Bytes): Promise<VerifyKey> {
  if (!isSoundPoint(x)) throw new KeyError();
  const x64 = encode64(x);
  const kid = await sha256(`{"crv":"Ed25519","kty":"OKP","x":"${x64}"}`);
  return {
    kid,
    jwk: `{"crv":"Ed25519","kid":"${kid}","kty":"OKP","x":"${x64}"}`,
    crypto: await crypto.subtle.importKey("raw", x, "Ed25519", true, ["verify"]),
  };
}

/**
 * Parses a public JWK with exactly crv, kid, kty and x (RFC 8037 §2), with kid
 * its own thumbprint.
 */
export async function verifyKey(jwk: unknown): Promise<VerifyKey> {
  const m = members(jwk);
  if (!hasExactly(m, "crv", "kid", "kty", "x") || m.kty !== "OKP" || m.crv !== "Ed25519") throw new KeyError();
  const key = await verifyKeyFromBytes(decoded(m.x));
  if (m.kid !== key.kid) throw new KeyError();
  return key;
}

/**
 * Parses a public JWK with exactly e, kid, kty and n (RFC 7518 §6.3.1): 2048 or
 * 3072 bits, odd, e = 65537, with kid its own thumbprint. Fewer than 2048 bits
 * are unsafe, and larger keys would let a user slow down the service.
 */
export async function sealKey(jwk: unknown): Promise<SealKey> {
  const m = members(jwk);
  if (!hasExactly(m, "e", "kid", "kty", "n") || m.kty !== "RSA" || m.e !== "AQAB") throw new KeyError();
  const n = decoded(m.n);
  if ((n.length !== 256 && n.length !== 384) || n[0]! < 0x80 || n.at(-1)! % 2 === 0) throw new KeyError();
  const n64 = encode64(n);
  const kid = await sha256(`{"e":"AQAB","kty":"RSA","n":"${n64}"}`);
  if (m.kid !== kid) throw new KeyError();
  return {
    kid,
    jwk: `{"e":"AQAB","kid":"${kid}","kty":"RSA","n":"${n64}"}`,
    size: n.length,
    crypto: await crypto.subtle.importKey("jwk", { kty: "RSA", e: "AQAB", n: n64 }, oaep, true, ["encrypt"]),
  };
}

/** Returns the JWK of a generated public key in the profile's form. */
export async function publicJWK(key: CryptoKey): Promise<{ kid: string; jwk: string }> {
  const m = await crypto.subtle.exportKey("jwk", key);
  if (m.kty === "RSA") {
    const kid = await sha256(`{"e":"AQAB","kty":"RSA","n":"${m.n}"}`);
    return { kid, jwk: (await sealKey({ e: m.e, kid, kty: "RSA", n: m.n })).jwk };
  }
  return verifyKeyFromBytes(decoded(m.x));
}

function members(jwk: unknown): Members {
  if (isObject(jwk)) return jwk;
  if (typeof jwk !== "string" || jwk.length > maxJWK) throw new KeyError();
  try {
    return parseObject(jwk);
  } catch {
    throw new KeyError();
  }
}

function decoded(part: unknown): Bytes {
  try {
    return decode64(part as string);
  } catch {
    throw new KeyError();
  }
}
