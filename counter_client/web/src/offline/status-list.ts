/** Signed status lists, as docs_gen/statuslist.py writes them: how each certificate stands. */
import type { Bytes } from "./bytes";
import { isWhole, readMap, Refused } from "./cbor";
import { areBytes, payloadOf, type Keys } from "./cose";
import type { Place } from "./numbers";

export enum Status {
  NotIssued,
  Valid,
  Revoked,
  Superseded,
}

export interface StatusList {
  issuer: string;
  year: number;
  version: number;
  issuedAt: number;
  expiresAt: number;
  length: number;
  bitmap: Uint8Array;
}

export type Fault = "signature" | "malformed" | "expired" | "older" | "other";

/** A list that must not be relied on; says why. */
export class StatusListError extends Error {
  constructor(readonly fault: Fault) {
    super(fault);
  }
}

const KIND = "application/kuayu-status-list+cbor";
const AHEAD = 5 * 60_000;
const MOST = 10_000_000;
const IN_BYTE = 4;
const ISSUER = -1;
const NUMBERS = { year: -2, version: -3, issuedAt: -4, expiresAt: -5, length: -6 };
const BITMAP = -7;
const FIELDS = 7;

/** Return a list that counts at an instant and is not below a version; StatusListError says why not. */
export async function readStatusList(
  raw: Bytes,
  keys: Keys,
  now: number,
  atLeast = 0,
): Promise<StatusList> {
  let payload: Uint8Array;
  try {
    payload = await payloadOf(raw, keys, KIND);
  } catch {
    throw new StatusListError("signature");
  }
  let found: StatusList;
  try {
    found = await opened(readMap(payload));
  } catch {
    throw new StatusListError("malformed");
  }
  if (now < found.issuedAt - AHEAD || now >= found.expiresAt) throw new StatusListError("expired");
  if (found.version < atLeast) throw new StatusListError("older");
  return found;
}

/** How a certificate stands; StatusListError if it belongs to another list. */
export function statusOf(list: StatusList, place: Place): Status {
  if (place.issuer !== list.issuer || place.year !== list.year) throw new StatusListError("other");
  if (place.serial < 1 || place.serial >= list.length) return Status.NotIssued;
  const byte = list.bitmap[Math.floor(place.serial / IN_BYTE)]!;
  return (byte >> ((place.serial % IN_BYTE) * 2)) & 0b11;
}

async function opened(said: Map<unknown, unknown>): Promise<StatusList> {
  const issuer = said.get(ISSUER);
  const packed = said.get(BITMAP);
  const [year, version, issuedAt, expiresAt, length] = Object.values(NUMBERS).map((name) => {
    const value = said.get(name);
    if (!isWhole(value)) throw new Refused("no number");
    return value;
  }) as [number, number, number, number, number];
  if (typeof issuer !== "string" || !areBytes(packed) || said.size !== FIELDS) throw new Refused("fields");
  if (length <= 0 || length > MOST || version < 1) throw new Refused("numbers");
  const bitmap = await unpacked(packed, length);
  return { issuer, year, version, issuedAt: issuedAt * 1000, expiresAt: expiresAt * 1000, length, bitmap };
}

/** Unpack exactly so many places, never more: what is signed may still be a bomb. */
async function unpacked(packed: Bytes, length: number): Promise<Uint8Array> {
  const size = Math.ceil(length / IN_BYTE);
  const bitmap = new Uint8Array(size);
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let at = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    if (at + piece.value.length > size) {
      await reader.cancel();
      throw new Refused("longer than it says");
    }
    bitmap.set(piece.value, at);
    at += piece.value.length;
  }
  const beyond = size * IN_BYTE - length;
  if (at !== size || (beyond && bitmap[size - 1]! >> (8 - beyond * 2))) throw new Refused("bitmap");
  return bitmap;
}
