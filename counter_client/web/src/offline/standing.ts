/** What a QR code is worth without the register: the same verdicts as docs_gen/standing.py. */
import type { VerdictKind } from "../api/shapes";
import { dayOf } from "../ui/time";
import type { Bytes } from "./bytes";
import { readClaim, type Claim } from "./claim";
import { placeOf } from "./numbers";
import { readStatusList, Status, StatusListError, statusOf } from "./status-list";
import { isFresh, type TrustList } from "./trust-list";

export type Reason =
  | "listed_as_valid"
  | "listed_as_revoked"
  | "listed_as_superseded"
  | "past_its_last_day"
  | "no_listed_key_signed_it"
  | "the_address_names_another_number"
  | "listed_as_not_issued"
  | "the_trust_list_is_too_old"
  | "there_is_no_status_list"
  | "the_status_list_is_too_old"
  | "no_listed_key_signed_the_status_list"
  | "the_status_list_is_of_another_issuer_or_year"
  | "issued_since_the_status_list"
  /** Ours alone: the command does not begin without one. */
  | "there_is_no_trust_list";

export interface Standing {
  verdict: VerdictKind;
  reason: Reason;
  claim: Claim | null;
  /** When the status list was made that says so; null where none was asked. */
  listedAt: number | null;
}

export interface StatusSource {
  raw: Bytes | null;
  atLeast: number;
}

const LISTED: Record<Status, [VerdictKind, Reason]> = {
  [Status.NotIssued]: ["unknown", "listed_as_not_issued"],
  [Status.Valid]: ["genuine", "listed_as_valid"],
  [Status.Revoked]: ["revoked", "listed_as_revoked"],
  [Status.Superseded]: ["superseded", "listed_as_superseded"],
};
const REFUSED: Partial<Record<StatusListError["fault"], Reason>> = {
  expired: "the_status_list_is_too_old",
  older: "the_status_list_is_too_old",
  other: "the_status_list_is_of_another_issuer_or_year",
};
// Python's own blanks, which are not quite those of trim().
const BLANK = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const EDGES = new RegExp(`^${BLANK}|${BLANK}$`, "g");

export interface Code {
  /** All that stands before the token; empty for a token alone. */
  address: string;
  token: string;
}

/** Take what a QR code holds apart: its whole address, or the token behind its #. */
export function partsOf(code: string): Code {
  const plain = code.replace(EDGES, "");
  const at = plain.lastIndexOf("#");
  return at < 0 ? { address: "", token: plain } : { address: plain.slice(0, at), token: plain.slice(at + 1) };
}

/** Judge what a QR code holds; `find` gives the status list of its certificate's issuer and year. */
export async function judgeCode(
  code: string,
  trust: TrustList | null,
  find: (number: string) => Promise<StatusSource>,
  now: number,
): Promise<Standing> {
  if (!trust) return said("cannot_tell", "there_is_no_trust_list");
  const { address, token } = partsOf(code);
  const claim = await readClaim(token, trust.keys).catch(() => null);
  if (!claim) {
    return isFresh(trust, now)
      ? said("unknown", "no_listed_key_signed_it")
      : said("cannot_tell", "the_trust_list_is_too_old");
  }
  if (address && address.slice(address.lastIndexOf("/") + 1) !== claim.number) {
    return said("altered", "the_address_names_another_number", claim);
  }
  if (!isFresh(trust, now)) return said("cannot_tell", "the_trust_list_is_too_old", claim);
  const found = await listed(claim, trust, await find(claim.number), now);
  if (found.verdict === "genuine" && claim.valid_until < dayOf(now)) {
    return { ...found, verdict: "expired", reason: "past_its_last_day" };
  }
  return found;
}

/** A certificate of the list's own day or later, which the list does not know, may be newer. */
async function listed(claim: Claim, trust: TrustList, source: StatusSource, now: number): Promise<Standing> {
  if (!source.raw) return said("cannot_tell", "there_is_no_status_list", claim);
  const place = placeOf(claim.number);
  try {
    const list = await readStatusList(source.raw, trust.keys, now, source.atLeast);
    if (!place) return said("cannot_tell", "the_status_list_is_of_another_issuer_or_year", claim);
    const status = statusOf(list, place);
    if (status === Status.NotIssued && claim.issued_on >= dayOf(list.issuedAt)) {
      return said("cannot_tell", "issued_since_the_status_list", claim, list.issuedAt);
    }
    return said(...LISTED[status], claim, list.issuedAt);
  } catch (error) {
    if (!(error instanceof StatusListError)) throw error;
    return said("cannot_tell", REFUSED[error.fault] ?? "no_listed_key_signed_the_status_list", claim);
  }
}

function said(
  verdict: VerdictKind,
  reason: Reason,
  claim: Claim | null = null,
  listedAt: number | null = null,
): Standing {
  return { verdict, reason, claim, listedAt };
}
