/** COSE_Sign1 with Ed25519, as docs_gen/cose.py writes it: in one way only. */
import { verifyAsync } from "@noble/ed25519";
import { hex } from "../api/digest";
import { equal, join, type Bytes } from "./bytes";
import { arrayHead, bytesItem, read, Refused, textItem } from "./cbor";

export const ALGORITHM = 1;
export const KEY_ID = 4;
export const TYPE = 16;
const EDDSA = -8;
const EMPTY_MAP = Uint8Array.of(0xa0);

/** Ed25519 keys by their ids in hexadecimal digits. */
export type Keys = ReadonlyMap<string, Uint8Array>;

/** What one of `keys` signed as this kind; Refused for all else. */
export async function payloadOf(raw: Uint8Array, keys: Keys, kind = ""): Promise<Uint8Array> {
  const parts = read(raw);
  if (!Array.isArray(parts) || parts.length !== 4) throw new Refused("no COSE_Sign1");
  const [header, , payload, signature] = parts as unknown[];
  if (!areBytes(header) || !areBytes(payload) || !areBytes(signature)) {
    throw new Refused("no COSE_Sign1");
  }
  if (!equal(written(header, payload, signature), raw)) throw new Refused("written in another way");
  const said = read(header);
  if (!(said instanceof Map) || said.get(ALGORITHM) !== EDDSA) throw new Refused("another algorithm");
  if ((said.get(TYPE) ?? "") !== kind) throw new Refused("signed as something else");
  const id: unknown = said.get(KEY_ID);
  const key = areBytes(id) ? keys.get(hex(id)) : undefined;
  if (!key || !(await isSigned(signature, covered(header, payload), key))) {
    throw new Refused("signed by no key that is known");
  }
  return payload;
}

/** What a signature covers: the header, no external data, and the payload. */
export function covered(header: Uint8Array, payload: Uint8Array): Bytes {
  const nothing = bytesItem(new Uint8Array());
  return join(arrayHead(4), textItem("Signature1"), bytesItem(header), nothing, bytesItem(payload));
}

export function areBytes(value: unknown): value is Bytes {
  return value instanceof Uint8Array;
}

function written(header: Uint8Array, payload: Uint8Array, signature: Uint8Array): Bytes {
  return join(arrayHead(4), bytesItem(header), EMPTY_MAP, bytesItem(payload), bytesItem(signature));
}

async function isSigned(signature: Bytes, message: Bytes, key: Uint8Array): Promise<boolean> {
  try {
    return await verifyAsync(signature, message, key, { zip215: false });
  } catch {
    // The library throws at what is no signature or no key at all.
    return false;
  }
}
