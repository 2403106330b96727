/**
 * The protocol's one cryptographic profile (§2): compact JWS (RFC 7515) signed
 * with Ed25519, compact JWE (RFC 7516) under RSA-OAEP-256 and A256GCM, over
 * WebCrypto. It has no options: one algorithm for each purpose, and algorithm
 * and `typ` always come from the caller, never from the token. Every part of a
 * token has exactly one accepted spelling. No error quotes a plaintext.
 */
import { type Bytes, concat, decode64, encode64, isThumbprint, random, text, utf8 } from "./bytes";
import { hasExactly, isObject, type Members, parseObject } from "./json";
import { type SealKey, type VerifyKey, verifyKey } from "./jwk";

export type SignedType =
  | "sotto-keys+jwt" | "sotto-handshake+jwt" | "sotto-link+jwt" | "sotto-message+jwt" | "sotto-room+jwt" | "sotto-rotate+jwt" | "sotto-revoke+jwt";

export type SealedType =
  | "sotto-welcome+jwe" | "sotto-send+jwe" | "sotto-message+jwe" | "sotto-history+jwe" | "sotto-rooms+jwe" | "sotto-rotated+jwe" | "sotto-session+jwe";

/** A private signing key with its public half. */
export interface Signer {
  readonly kid: string;
  readonly jwk: string;
  readonly privateKey: CryptoKey;
}

/** A private key that opens what is sealed to its public half, whose modulus is of `size` bytes. */
export interface Opener {
  readonly kid: string;
  readonly size: number;
  readonly privateKey: CryptoKey;
}

/**
 * Maximum sizes of tokens in bytes, checked before decoding; equal to those of
 * the Go implementation.
 */
const maxSigned = 32 << 10;
const maxSealed = 64 << 10;
const maxHeader = 512;

/** All errors of a JWS, in structure or signature. */
export class SignatureError extends Error {
  constructor() {
    super("signature not acceptable");
  }
}

/** All errors of a JWE. It must not say which step failed. */
export class EnvelopeError extends Error {
  constructor() {
    super("envelope cannot be opened");
  }
}

/** A JWS with checked structure and unchecked signature. Do not use its content before `verify`. */
export interface Signed {
  /** Thumbprint of the key that the token claims. */
  readonly kid: string;
  /** The key in the token; only handshakes and key sets may have one. */
  readonly key: VerifyKey | null;
  readonly parts: readonly [string, string, string];
}

/** Signs claims as a compact JWS. `carry` includes the public key in the header. */
export async function sign(signer: Signer, typ: SignedType, claims: string, carry = false): Promise<string> {
  if (carry && !mayCarry(typ)) throw new SignatureError();
  const header = `{"alg":"EdDSA",${carry ? `"jwk":${signer.jwk},` : ""}"kid":"${signer.kid}","typ":"${typ}"}`;
  const input = `${encode64(utf8(header))}.${encode64(utf8(claims))}`;
  const signature = await crypto.subtle.sign("Ed25519", signer.privateKey, utf8(input));
  const token = `${input}.${encode64(new Uint8Array(signature))}`;
  if (token.length > maxSigned) throw new SignatureError();
  return token;
}

/** Checks a token's size, encoding and header, but not the signature. Throws SignatureError. */
export async function parseSigned(token: string, typ: SignedType): Promise<Signed> {
  try {
    const [header, claims, signature] = split(token, 3, maxSigned) as [string, string, string];
    decode64(claims);
    if (decode64(signature).length !== 64) throw new SignatureError();
    const m = parseHeader(header);
    const carries = mayCarry(typ) && hasExactly(m, "alg", "jwk", "kid", "typ");
    if (!carries && !hasExactly(m, "alg", "kid", "typ")) throw new SignatureError();
    if (m.alg !== "EdDSA" || m.typ !== typ || !isThumbprint(m.kid)) throw new SignatureError();
    if (carries && !isObject(m.jwk)) throw new SignatureError();
    const key = carries ? await verifyKey(m.jwk) : null;
    if (key && key.kid !== m.kid) throw new SignatureError();
    return { kid: m.kid, key, parts: [header, claims, signature] };
  } catch {
    throw new SignatureError();
  }
}

/**
 * Verifies the signature with the key that the token names, and returns the
 * claims. Throws SignatureError.
 */
export async function verify(signed: Signed, key: VerifyKey): Promise<string> {
  const [header, claims, signature] = signed.parts;
  if (key.kid !== signed.kid) throw new SignatureError();
  const holds = await crypto.subtle.verify("Ed25519", key.crypto, decode64(signature), utf8(`${header}.${claims}`));
  if (!holds) throw new SignatureError();
  try {
    return text(decode64(claims));
  } catch {
    throw new SignatureError();
  }
}

/**
 * Encrypts a text, or bytes, as a compact JWE that only the holder of the key can open. Each
 * token has a new random content key, so a nonce cannot repeat with a key.
 */
export async function seal(to: SealKey, typ: SealedType, plaintext: string | Bytes): Promise<string> {
  const header = encode64(utf8(`{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"${to.kid}","typ":"${typ}"}`));
  const content = random(32);
  const nonce = random(12);
  const key = await crypto.subtle.importKey("raw", content, "AES-GCM", false, ["encrypt"]);
  const [wrapped, out] = await Promise.all([
    crypto.subtle.encrypt("RSA-OAEP", to.crypto, content),
    crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: utf8(header) }, key, typeof plaintext === "string" ? utf8(plaintext) : plaintext),
  ]);
  const sealed = new Uint8Array(out);
  const parts = [new Uint8Array(wrapped), nonce, sealed.subarray(0, -16), sealed.subarray(-16)];
  const token = [header, ...parts.map(encode64)].join(".");
  if (token.length > maxSealed) throw new EnvelopeError();
  return token;
}

/** A JWE with checked structure that was not opened. */
export interface Sealed {
  /** Thumbprint of the key to which it was sealed. */
  readonly kid: string;
  readonly header: string;
  /** Encrypted key, nonce, ciphertext, tag. */
  readonly parts: readonly [Bytes, Bytes, Bytes, Bytes];
}

/** Checks a token's size, encoding, header and lengths, without a key. Throws EnvelopeError. */
export function parseSealed(token: string, typ: SealedType): Sealed {
  try {
    const [header, ...rest] = split(token, 5, maxSealed) as [string, string, string, string, string];
    const m = parseHeader(header);
    const fits = m.alg === "RSA-OAEP-256" && m.enc === "A256GCM" && m.typ === typ && isThumbprint(m.kid);
    const parts = rest.map(decode64) as [Bytes, Bytes, Bytes, Bytes];
    const [wrapped, nonce, , tag] = parts;
    if (!fits || !hasExactly(m, "alg", "enc", "kid", "typ")) throw new EnvelopeError();
    if ((wrapped.length !== 256 && wrapped.length !== 384) || nonce.length !== 12 || tag.length !== 16) throw new EnvelopeError();
    return { kid: m.kid as string, header, parts };
  } catch {
    throw new EnvelopeError();
  }
}

/** Returns the plaintext, a text. All errors are the same EnvelopeError. */
export async function open(sealed: Sealed, opener: Opener): Promise<string> {
  const plain = await openBytes(sealed, opener);
  try {
    return text(plain);
  } catch {
    throw new EnvelopeError();
  }
}

/** Does the same for a plaintext that is no text. */
export async function openBytes(sealed: Sealed, opener: Opener): Promise<Bytes> {
  const [wrapped, iv, ciphertext, tag] = sealed.parts;
  try {
    if (sealed.kid !== opener.kid || wrapped.length !== opener.size) throw new EnvelopeError();
    const content = await crypto.subtle.decrypt("RSA-OAEP", opener.privateKey, wrapped);
    if (content.byteLength !== 32) throw new EnvelopeError();
    const key = await crypto.subtle.importKey("raw", content, "AES-GCM", false, ["decrypt"]);
    const how = { name: "AES-GCM", iv, additionalData: utf8(sealed.header) };
    return new Uint8Array(await crypto.subtle.decrypt(how, key, concat(ciphertext, tag)));
  } catch {
    throw new EnvelopeError();
  }
}

/** Only these two tokens may contain a key, because their recipient may not know it. */
const mayCarry = (typ: SignedType): boolean => typ === "sotto-handshake+jwt" || typ === "sotto-keys+jwt";

function split(token: string, n: number, max: number): string[] {
  if (token.length > max) throw new Error("too large");
  const parts = token.split(".", n + 1);
  if (parts.length !== n) throw new Error("wrong number of parts");
  return parts;
}

function parseHeader(part: string): Members {
  const bytes = decode64(part);
  if (bytes.length > maxHeader) throw new Error("header too large");
  return parseObject(text(bytes));
}
