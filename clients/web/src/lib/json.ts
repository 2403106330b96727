/**
 * A strict JSON parser. `JSON.parse` uses the last of two equal names and accepts
 * lone surrogates, so two parsers could read one signed text differently. This
 * parser refuses such texts, and exactly those that the Go clients refuse
 * (shared/strict). Its error is protocol, which never quotes the input, perhaps a
 * decrypted message.
 */
import { SottoError } from "./errors";

/** A parsed object. It has no prototype, so that no name in it is special. */
export type Members = { readonly [name: string]: unknown };

/** Nested arrays and objects. The protocol nests at most five. */
const maxDepth = 16;

/**
 * Numbers, literals, strings, punctuation and white space (RFC 8259). A number is
 * an integer; the rest of a fraction or exponent is no token.
 */
const token = /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9][0-9]*)|true|false|null))/y;

export function parse(source: string): unknown {
  let at = 0;
  const fail = (): never => {
    throw new SottoError("protocol");
  };
  const next = (): string => {
    token.lastIndex = at;
    const found = token.exec(source);
    if (!found) return fail();
    at = token.lastIndex;
    return found[1] ?? found[2] ?? found[3]!;
  };
  const scalar = (t: string): unknown => {
    const value: unknown = JSON.parse(t);
    if (typeof value === "string" && !value.isWellFormed()) fail();
    if (typeof value === "number" && (!Number.isSafeInteger(value) || Object.is(value, -0))) fail();
    return value;
  };
  const value = (t: string, depth: number): unknown => {
    if ((t === "{" || t === "[") && depth === maxDepth) fail();
    if (t === "{") {
      const members: Record<string, unknown> = Object.create(null);
      for (t = next(); t !== "}"; ) {
        if (t[0] !== '"') fail();
        const name = scalar(t) as string;
        if (name in members || next() !== ":") fail();
        members[name] = value(next(), depth + 1);
        t = next();
        if (t === ",") {
          if ((t = next()) === "}") fail();
        } else if (t !== "}") fail();
      }
      return members;
    }
    if (t === "[") {
      const items: unknown[] = [];
      for (t = next(); t !== "]"; ) {
        items.push(value(t, depth + 1));
        t = next();
        if (t === ",") {
          if ((t = next()) === "]") fail();
        } else if (t !== "]") fail();
      }
      return items;
    }
    if (/^[}\],:]/.test(t)) fail();
    return scalar(t);
  };
  const result = value(next(), 0);
  if (/[^ \t\n\r]/.test(source.slice(at))) fail();
  return result;
}

/** Parses one JSON object. */
export function parseObject(source: string): Members {
  const value = parse(source);
  if (!isObject(value)) throw new SottoError("protocol");
  return value;
}

/**
 * Parses signed claims, which have exactly the named members. Another member could
 * mean something to another reader.
 */
export function parseClaims(source: string, ...names: string[]): Members {
  const claims = parseObject(source);
  if (!hasExactly(claims, ...names)) throw new SottoError("protocol");
  return claims;
}

export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reports whether the object has exactly these members. */
export function hasExactly(members: Members, ...names: string[]): boolean {
  return Object.keys(members).length === names.length && names.every((name) => name in members);
}

/** These return a member of a frame or of claims, and throw if it has another type. */
export const string = (m: Members, name: string): string => of(m[name], "string") as string;

export function integer(m: Members, name: string): number {
  const n = m[name];
  if (!Number.isSafeInteger(n)) throw new SottoError("protocol");
  return n as number;
}

export function list(m: Members, name: string): readonly unknown[] {
  const items = m[name];
  if (!Array.isArray(items)) throw new SottoError("protocol");
  return items;
}

function of(value: unknown, kind: string): unknown {
  if (typeof value !== kind) throw new SottoError("protocol");
  return value;
}
