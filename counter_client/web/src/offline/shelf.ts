/**
 * The signed lists that this device has: one trust list, and the status lists of issuers and years.
 *
 * The root behind the first trust list is the one that is believed from then on. What was kept is
 * checked anew each time it is used, and no list takes the place of a newer one.
 */
import type { Box } from "./box";
import type { Bytes } from "./bytes";
import { Refused } from "./cbor";
import type { StatusSource } from "./standing";
import { readStatusList } from "./status-list";
import { openTrustList, type TrustList } from "./trust-list";

interface KeptTrust {
  root: string;
  version: number;
  issuedAt: number;
  content: Bytes;
}

interface KeptStatus {
  version: number;
  /** What the service's index said of it when it was fetched. */
  changes: number;
  issuedAt: number;
  content: Bytes;
}

/** An issuer and a year. */
export interface ListPlace {
  issuer: string;
  year: number;
}

export interface KeptSource extends StatusSource {
  /** When the list that is kept was made; null without one. */
  issuedAt: number | null;
}

const TRUST = "trust";
const DAY = 86_400_000;
const statusName = ({ issuer, year }: ListPlace) => `status ${issuer} ${year}`;

export class Shelf {
  constructor(private readonly box: Box) {}

  /** The root that is believed; null before the first trust list. */
  async root(): Promise<string | null> {
    return (await this.box.find<KeptTrust>(TRUST))?.root ?? null;
  }

  /** The trust list that is kept; null without one, and for what is no more what it was. */
  async trust(): Promise<TrustList | null> {
    const kept = await this.box.find<KeptTrust>(TRUST);
    if (!kept) return null;
    return openTrustList(kept.content, kept.root).catch(() => null);
  }

  /**
   * Keep a trust list unless a newer one is kept; returns the one that counts now. Refused for what
   * is none, OtherRoot for one of another root than the first.
   */
  async takeTrust(content: Bytes): Promise<TrustList> {
    const found = await openTrustList(content, await this.root());
    const { root, version, issuedAt } = found;
    const one: KeptTrust = { root, version, issuedAt, content };
    // Another tab may have kept one meanwhile.
    await this.box.change<KeptTrust>(TRUST, (kept) => (kept && !isNewer(one, kept) ? kept : one));
    return (await this.trust()) ?? found;
  }

  /** The status list of an issuer and year, as the judge asks for it. */
  async status(place: ListPlace): Promise<KeptSource> {
    const kept = await this.box.find<KeptStatus>(statusName(place));
    if (!kept) return { raw: null, atLeast: 0, issuedAt: null };
    return { raw: kept.content, atLeast: kept.version, issuedAt: kept.issuedAt };
  }

  /** Say whether a list should be fetched: it is missing, it says something new, or it is a day old. */
  async wants(place: ListPlace, changes: number, now: number): Promise<boolean> {
    const kept = await this.box.find<KeptStatus>(statusName(place));
    return !kept || kept.changes !== changes || now - kept.issuedAt >= DAY;
  }

  /** Keep a status list unless a newer one is kept; StatusListError for what must not be relied on. */
  async takeStatus(
    place: ListPlace,
    content: Bytes,
    changes: number,
    trust: TrustList,
    now: number,
  ): Promise<void> {
    const list = await readStatusList(content, trust.keys, now);
    if (list.issuer !== place.issuer || list.year !== place.year) throw new Refused("another list");
    const { version, issuedAt } = list;
    const one: KeptStatus = { version, changes, issuedAt, content };
    await this.box.change<KeptStatus>(statusName(place), (kept) =>
      kept && kept.version > version ? kept : one,
    );
  }

  /** Forget every list, and which root was believed. */
  async forget(): Promise<void> {
    await this.box.empty();
  }
}

function isNewer(one: KeptTrust, kept: KeptTrust): boolean {
  if (one.root !== kept.root) return false;
  return one.version > kept.version || (one.version === kept.version && one.issuedAt >= kept.issuedAt);
}
