/** Canonical CBOR: what can be written in one way only, else it is refused. */
import { decode, encode, type TagDecoder } from "cborg";
import { equal, type Bytes } from "./bytes";

/** Bytes that are not what they are taken for; says why. */
export class Refused extends Error {}

export class Tagged {
  constructor(
    readonly tag: number,
    readonly value: unknown,
  ) {}
}

const SIGN1 = 18;
const tags: Record<number, TagDecoder> = { [SIGN1]: (inner) => new Tagged(SIGN1, inner()) };

/** Read one item; maps become Maps. Refused for endless ones, longer numbers than need be, more bytes. */
export function read(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, {
      strict: true,
      useMaps: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
      allowUndefined: false,
      tags,
    });
  } catch {
    throw new Refused("no canonical CBOR");
  }
}

/** Read a map that is written as we write it: its keys in order, its numbers whole. */
export function readMap(bytes: Uint8Array): Map<unknown, unknown> {
  const said = read(bytes);
  if (!(said instanceof Map)) throw new Refused("no map");
  if (!equal(encode(said), bytes)) throw new Refused("written in another way");
  return said;
}

/** Write a byte string. */
export function bytesItem(bytes: Uint8Array): Bytes {
  return encode(bytes) as Bytes;
}

/** Write how an array begins; ours are short. */
export function arrayHead(length: number): Bytes {
  return Uint8Array.of(0x80 | length);
}

/** Write a text. */
export function textItem(text: string): Bytes {
  return encode(text) as Bytes;
}

/** Say whether a value is a whole number that nothing was lost of. */
export function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}
