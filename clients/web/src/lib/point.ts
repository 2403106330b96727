/**
 * Checks Ed25519 public keys (RFC 8032 §5.1.2).
 *
 * Why small order matters: verification asks whether [S]B = R + [k]A. If A is
 * the identity, R = [S]B satisfies that for every message, so anyone can sign
 * for that key. With the other small orders one attempt in at most eight succeeds.
 * Not every WebCrypto refuses such keys. The key is public, so the arithmetic
 * need not run in constant time.
 */

const p = 2n ** 255n - 19n;
const d = mod(-121665n * power(121666n, p - 2n));

/** The y coordinates of the eight points whose order divides the cofactor. */
const smallOrder = new Set([
  0n,
  1n,
  p - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
]);

/** Whether the bytes are the canonical encoding of a point whose order is not small. */
export function isSoundPoint(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  let y = 0n;
  for (let at = 31; at >= 0; at--) y = (y << 8n) | BigInt(at === 31 ? bytes[at]! & 0x7f : bytes[at]!);
  // A y that is not reduced is a second spelling. The other second spelling, x = 0
  // with the sign bit set, exists only for y = ±1.
  if (y >= p || smallOrder.has(y)) return false;
  // A point with this y exists when x² = (y²-1)/(d·y²+1) is a square; the product
  // has the quotient's quadratic character, which Euler's criterion tells.
  const y2 = mod(y * y);
  return power(mod((y2 - 1n) * (d * y2 + 1n)), (p - 1n) / 2n) === 1n;
}

function mod(n: bigint): bigint {
  const r = n % p;
  return r < 0n ? r + p : r;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let e = exponent; e > 0n; e >>= 1n, base = mod(base * base)) {
    if (e & 1n) result = mod(result * base);
  }
  return result;
}
