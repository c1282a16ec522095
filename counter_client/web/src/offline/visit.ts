/** Fetches the signed lists while there is a network, for when there is none. */
import { ApiError } from "../api/errors";
import { get, getBlob } from "../api/http";
import type { StatusListIndex } from "../api/shapes";
import type { Bytes } from "./bytes";
import type { Shelf } from "./shelf";
import { OtherRoot, type TrustList } from "./trust-list";

/** What became of the lists at a visit. */
export type Supplies =
  | { state: "ready"; root: string; demo: boolean; issuedAt: number; missing: number }
  /** None was ever fetched. */
  | { state: "none" }
  /** Those of an earlier visit count on. */
  | { state: "kept"; root: string; demo: boolean; issuedAt: number }
  /** The service has lists of another root than the one this device believes. */
  | { state: "other_root"; root: string; found: string };

const AT_ONCE = 4;
/** A visit fetches so many status lists at most; the next one goes on. */
const MOST = 200;

/** Bring the lists up to date as far as the network lets us; never throws for want of one. */
export async function bringLists(shelf: Shelf, now: () => number): Promise<Supplies> {
  let trust: TrustList;
  try {
    trust = await shelf.takeTrust(await bytesOf("/api/trust-list"));
  } catch (error) {
    return keptOnly(shelf, error);
  }
  const missing = await bringStatuses(shelf, trust, now).catch(() => 1);
  return { state: "ready", root: trust.root, demo: trust.demo, issuedAt: trust.issuedAt, missing };
}

async function keptOnly(shelf: Shelf, error: unknown): Promise<Supplies> {
  if (error instanceof OtherRoot) {
    return { state: "other_root", root: (await shelf.root()) ?? "", found: error.found };
  }
  const trust = await shelf.trust();
  if (!trust) return { state: "none" };
  return { state: "kept", root: trust.root, demo: trust.demo, issuedAt: trust.issuedAt };
}

/** Fetch what is wanted, newest years first; returns how many of these could not be kept. */
async function bringStatuses(shelf: Shelf, trust: TrustList, now: () => number): Promise<number> {
  const { lists } = await get<StatusListIndex>("/api/status-lists");
  const wanted: StatusListIndex["lists"] = [];
  for (const one of lists) {
    const place = { issuer: one.issuer_code, year: one.year };
    if (await shelf.wants(place, one.changes, now())) wanted.push(one);
  }
  const todo = wanted.slice(0, MOST);
  let missing = wanted.length - todo.length;

  async function fetchNext(): Promise<void> {
    for (let one = todo.shift(); one; one = todo.shift()) {
      const place = { issuer: one.issuer_code, year: one.year };
      try {
        const content = await bytesOf(`/api/status-lists/${place.issuer}/${place.year}`);
        await shelf.takeStatus(place, content, one.changes, trust, now());
      } catch (error) {
        missing += 1;
        if (endsIt(error)) missing += todo.splice(0).length;
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, fetchNext));
  return missing;
}

/** The others would fail as well: without network each after its own patience, or refused as too many. */
function endsIt(error: unknown): boolean {
  return error instanceof ApiError && ["network.lost", "rate.exceeded"].includes(error.code);
}

async function bytesOf(path: string): Promise<Bytes> {
  return new Uint8Array(await (await getBlob(path)).arrayBuffer());
}
