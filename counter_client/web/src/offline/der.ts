/**
 * As much of DER and X.509 as a signed trust list needs: two certificates, whose root is known by
 * its hash, and the revocation lists of that root. Anything longer than need be is refused.
 */
import { hex } from "../api/digest";
import { equal, fromHex, type Bytes } from "./bytes";
import { Refused } from "./cbor";

interface Node {
  tag: number;
  /** Its head with it. */
  whole: Bytes;
  content: Bytes;
}

export interface Certificate {
  issuer: Bytes;
  subject: Bytes;
  serial: string;
  notAfter: number;
  /** SubjectPublicKeyInfo. */
  key: Bytes;
  /** Object identifiers in hexadecimal digits; null without that extension. */
  purposes: string[] | null;
  signed: Signed;
}

export interface Crl {
  issuer: Bytes;
  serials: string[];
  signed: Signed;
}

interface Signed {
  bytes: Bytes;
  signature: Bytes;
}

const INTEGER = 0x02;
const BITS = 0x03;
const OCTETS = 0x04;
const UTC_TIME = 0x17;
const TIME = 0x18;
const SEQUENCE = 0x30;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const ECDSA_WITH_SHA256 = fromHex("300a06082a8648ce3d040302");
const EXTENDED_KEY_USAGE = "0603551d25";
const HALF = 32;

export function readCertificate(bytes: Bytes): Certificate {
  const { parts, signed } = signedParts(bytes);
  if (parts[0]?.tag === VERSION) parts.shift();
  const [serial, , issuer, validity, subject, key] = parts;
  const [, until] = children(node(validity, SEQUENCE));
  const kept = parts.find((part) => part.tag === EXTENSIONS);
  return {
    serial: hex(node(serial, INTEGER).content),
    issuer: node(issuer, SEQUENCE).whole,
    subject: node(subject, SEQUENCE).whole,
    notAfter: instant(until),
    key: node(key, SEQUENCE).whole,
    purposes: kept ? purposesOf(kept) : null,
    signed,
  };
}

export function readCrl(bytes: Bytes): Crl {
  const { parts, signed } = signedParts(bytes);
  if (parts[0]?.tag === INTEGER) parts.shift();
  const [, issuer, ...rest] = parts;
  const revoked = rest.find((part) => part.tag === SEQUENCE);
  const entries = revoked ? children(revoked) : [];
  return {
    issuer: node(issuer, SEQUENCE).whole,
    serials: entries.map((entry) => hex(node(children(entry)[0], INTEGER).content)),
    signed,
  };
}

/** Say whether the key of a CA signed a certificate or a list that names it as its issuer. */
export async function isSignedBy(one: { issuer: Bytes; signed: Signed }, ca: Certificate): Promise<boolean> {
  if (!equal(one.issuer, ca.subject)) return false;
  return isRightSignature(ca, plainSignature(one.signed.signature), one.signed.bytes);
}

/** Say whether a certificate's P-256 key signed something; the signature is r and s, 32 bytes each. */
export async function isRightSignature(by: Certificate, signature: Bytes, bytes: Bytes): Promise<boolean> {
  const kind = { name: "ECDSA", namedCurve: "P-256" };
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("spki", by.key, kind, false, ["verify"]);
  } catch {
    throw new Refused("no P-256 key");
  }
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, bytes);
}

function signedParts(bytes: Bytes): { parts: Node[]; signed: Signed } {
  const [all, end] = readNode(bytes, 0);
  if (end !== bytes.length) throw new Refused("more than one structure");
  const parts = children(node(all, SEQUENCE));
  const [covered, algorithm, bits] = [node(parts[0], SEQUENCE), node(parts[1], SEQUENCE), node(parts[2], BITS)];
  if (parts.length !== 3 || !equal(algorithm.whole, ECDSA_WITH_SHA256) || bits.content[0] !== 0) {
    throw new Refused("not signed with ECDSA and SHA-256");
  }
  return {
    parts: children(covered),
    signed: { bytes: covered.whole, signature: bits.content.slice(1) },
  };
}

function purposesOf(kept: Node): string[] | null {
  const found = children(node(children(kept)[0], SEQUENCE))
    .map((one) => children(one))
    .filter(([name]) => name && hex(name.whole) === EXTENDED_KEY_USAGE);
  if (found.length === 0) return null;
  if (found.length > 1) throw new Refused("an extension twice");
  const [list, end] = readNode(node(found[0]!.at(-1), OCTETS).content, 0);
  if (end !== node(found[0]!.at(-1), OCTETS).content.length) throw new Refused("more than a list");
  return children(node(list, SEQUENCE)).map((one) => hex(one.whole));
}

/** r and s as 32 bytes each; what does not fit is no signature. */
function plainSignature(bytes: Bytes): Bytes {
  const [pair, end] = readNode(bytes, 0);
  const numbers = children(node(pair, SEQUENCE)).map((one) => node(one, INTEGER).content);
  if (end !== bytes.length || numbers.length !== 2) throw new Refused("no signature");
  const plain = new Uint8Array(2 * HALF);
  numbers.forEach((number, which) => {
    const digits = number[0] === 0 ? number.slice(1) : number;
    if (digits.length > HALF) throw new Refused("no signature");
    plain.set(digits, (which + 1) * HALF - digits.length);
  });
  return plain;
}

function instant(time: Node | undefined): number {
  const text = new TextDecoder().decode(time?.content);
  const whole = time?.tag === UTC_TIME ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}` : text;
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(whole);
  if (!found || ![UTC_TIME, TIME].includes(time?.tag ?? 0)) throw new Refused("no instant");
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second);
}

function node(one: Node | undefined, tag: number): Node {
  if (one?.tag !== tag) throw new Refused("another structure");
  return one;
}

function children(one: Node): Node[] {
  const found: Node[] = [];
  for (let at = 0; at < one.content.length; ) {
    const [child, end] = readNode(one.content, at);
    found.push(child);
    at = end;
  }
  return found;
}

function readNode(bytes: Bytes, at: number): [Node, number] {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new Refused("no DER");
  const extra = first < 0x80 ? 0 : first & 0x7f;
  let length = first;
  if (first >= 0x80) {
    if (extra === 0 || extra > 4) throw new Refused("no DER");
    length = bytes.slice(at + 2, at + 2 + extra).reduce((sum, byte) => sum * 256 + byte, 0);
    // The shortest way of writing a length is the only one.
    if (length < 0x80 || length < 256 ** (extra - 1)) throw new Refused("no DER");
  }
  const begin = at + 2 + extra;
  if (begin + length > bytes.length) throw new Refused("no DER");
  return [{ tag, whole: bytes.slice(at, begin + length), content: bytes.slice(begin, begin + length) }, begin + length];
}
