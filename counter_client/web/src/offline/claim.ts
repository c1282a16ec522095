/** What a QR code says of its certificate, as docs_gen/qr.py writes it. */
import { fromBase64Url } from "./bytes";
import { isWhole, readMap, Refused } from "./cbor";
import { payloadOf, type Keys } from "./cose";

export interface Claim {
  number: string;
  title: string;
  /** The holder's name, masked. */
  holder: string;
  issuer: string;
  /** 2026-11-22 */
  issued_on: string;
  valid_until: string;
}

const PLACES = { number: 1, title: 2, holder: 3, issuer: 4, issued_on: 5, valid_until: 6 };
const LONGEST = 1000;
const DAY = 86_400_000;
// From the first of January of the year 1 to the last day of 9999, counted from 1970.
const FIRST_DAY = -719_162;
const LAST_DAY = 2_932_896;

/** Return what a token claims; Refused unless one of `keys` signed exactly that. */
export async function readClaim(token: string, keys: Keys): Promise<Claim> {
  const raw = token.length > LONGEST ? null : fromBase64Url(token);
  if (!raw) throw new Refused("no token");
  const said = readMap(await payloadOf(raw, keys));
  return {
    number: text(said.get(PLACES.number)),
    title: text(said.get(PLACES.title)),
    holder: text(said.get(PLACES.holder)),
    issuer: text(said.get(PLACES.issuer)),
    issued_on: day(said.get(PLACES.issued_on)),
    valid_until: day(said.get(PLACES.valid_until)),
  };
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Refused("no text");
  return value;
}

function day(value: unknown): string {
  if (!isWhole(value) || value < FIRST_DAY || value > LAST_DAY) throw new Refused("no day");
  return new Date(value * DAY).toISOString().slice(0, 10);
}
