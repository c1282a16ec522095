/** Signed trust lists, as docs_gen/signedlist.py writes them: whose QR codes are believed. */
import { hex, sha256 } from "../api/digest";
import type { Bytes } from "./bytes";
import { isWhole, read, Refused, Tagged } from "./cbor";
import { ALGORITHM, areBytes, covered, TYPE, type Keys } from "./cose";
import { isRightSignature, isSignedBy, readCertificate, readCrl, type Certificate } from "./der";

export interface TrustList {
  /** The SHA-256 of the root behind it, in hexadecimal digits. */
  root: string;
  /** Its root is one of the demonstration. */
  demo: boolean;
  version: number;
  /** Milliseconds, as Date has them. */
  issuedAt: number;
  expiresAt: number;
  keys: Keys;
}

/** A list of another root than the one that is believed. */
export class OtherRoot extends Refused {
  constructor(readonly found: string) {
    super("of another root");
  }
}

const ES256 = -7;
const X5CHAIN = 33;
const KIND = "application/kuayu-trust-list+cbor";
const LIST_SIGNING = "061369f48af0f7eac7ba9fefa1fc89abb1b8d79a2f";
const MOST_BYTES = 16 * 1024 * 1024;
const KEY_BYTES = 32;
const SLACK = 10 * 60_000;
const DEMO_MARK = new TextEncoder().encode("演示");

/**
 * Return a signed trust list; `root` is the SHA-256 of the one root that is believed, null where
 * none is known yet. Refused if it is none, another root is behind it, or it was signed by whom
 * that root does not let sign lists. One that is past its time is returned.
 */
export async function openTrustList(content: Bytes, root: string | null): Promise<TrustList> {
  if (content.length > MOST_BYTES) throw new Refused("too long");
  const { header, payload, signature } = partsOf(content);
  const chain = chainOf(header);
  const known = await sha256(chain[1]);
  if (root !== null && known !== root) throw new OtherRoot(known);
  const [signer, above] = chain.map(readCertificate) as [Certificate, Certificate];
  if (!(await isSignedBy(above, above)) || !(await signsLists(signer, above))) {
    throw new Refused("the root lets nobody of that name sign lists");
  }
  if (signature.length !== 64 || !(await isRightSignature(signer, signature, covered(header, payload)))) {
    throw new Refused("the signature is wrong");
  }
  const said = read(payload);
  if (!(said instanceof Map)) throw new Refused("no map");
  if (await isRevoked(signer, above, said)) throw new Refused("the root has revoked the signer");
  const ends = Math.min(signer.notAfter, above.notAfter);
  return {
    root: known,
    demo: contains(above.subject, DEMO_MARK),
    version: whole(said, "version"),
    issuedAt: whole(said, "issued_at") * 1000,
    expiresAt: Math.min(whole(said, "expires_at") * 1000, ends),
    keys: keysOf(said.get("qr_keys")),
  };
}

/** Say whether what a list says may still be taken for the whole truth. */
export function isFresh(trust: TrustList, now: number): boolean {
  return trust.issuedAt <= now + SLACK && now < trust.expiresAt;
}

function partsOf(content: Bytes): { header: Bytes; payload: Bytes; signature: Bytes } {
  const tagged = read(content);
  const parts = tagged instanceof Tagged && Array.isArray(tagged.value) ? (tagged.value as unknown[]) : [];
  const [header, , payload, signature] = parts;
  if (parts.length !== 4 || !areBytes(header) || !areBytes(payload) || !areBytes(signature)) {
    throw new Refused("no signed trust list");
  }
  return { header, payload, signature };
}

function chainOf(header: Bytes): [Bytes, Bytes] {
  const said = read(header);
  if (!(said instanceof Map) || said.get(ALGORITHM) !== ES256 || said.get(TYPE) !== KIND) {
    throw new Refused("of another kind");
  }
  const chain: unknown = said.get(X5CHAIN);
  if (!Array.isArray(chain) || chain.length !== 2 || !chain.every(areBytes)) throw new Refused("no chain");
  return chain as [Bytes, Bytes];
}

async function signsLists(signer: Certificate, root: Certificate): Promise<boolean> {
  const [purpose, ...more] = signer.purposes ?? [];
  return purpose === LIST_SIGNING && more.length === 0 && (await isSignedBy(signer, root));
}

async function isRevoked(signer: Certificate, root: Certificate, said: Map<unknown, unknown>): Promise<boolean> {
  const lists: unknown = said.get("crls");
  if (!Array.isArray(lists)) throw new Refused("no revocation lists");
  for (const crl of lists.filter(areBytes).map(tryCrl)) {
    if (crl?.serials.includes(signer.serial) && (await isSignedBy(crl, root))) return true;
  }
  return false;
}

/** Another operator's list may be signed in ways that a root of ours never signs. */
function tryCrl(bytes: Bytes): ReturnType<typeof readCrl> | null {
  try {
    return readCrl(bytes);
  } catch {
    return null;
  }
}

function whole(said: Map<unknown, unknown>, name: string): number {
  const value = said.get(name);
  if (!isWhole(value)) throw new Refused(name);
  return value;
}

function keysOf(said: unknown): Keys {
  if (!(said instanceof Map)) throw new Refused("qr_keys");
  const found = new Map<string, Uint8Array>();
  for (const [id, key] of said as Map<unknown, unknown>) {
    if (!areBytes(id) || !areBytes(key) || key.length !== KEY_BYTES) throw new Refused("qr_keys");
    found.set(hex(id), key);
  }
  return found;
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  return bytes.some((_, at) => part.every((byte, offset) => bytes[at + offset] === byte));
}
