import { beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../api/errors";
import { get, getBlob } from "../api/http";
import type { Shelf } from "./shelf";
import { OtherRoot, type TrustList } from "./trust-list";
import { bringLists } from "./visit";

vi.mock("../api/http", () => ({ get: vi.fn(), getBlob: vi.fn() }));

const NOW = 1_800_000_000_000;
const KEPT = { root: "a1", demo: true, issuedAt: NOW } as TrustList;
const place = (year: number) => ({ issuer_code: "11341522MB0000001T", year, changes: year });

/** A shelf that wants every list but those of `full`. */
function shelfOf(kept: TrustList | null, full: number[] = []) {
  return {
    root: vi.fn(async () => "a1"),
    trust: vi.fn(async () => kept),
    takeTrust: vi.fn(async () => KEPT),
    wants: vi.fn(async ({ year }: { year: number }) => !full.includes(year)),
    takeStatus: vi.fn(async (..._said: unknown[]) => undefined),
  };
}
type FakeShelf = ReturnType<typeof shelfOf>;
const bring = (shelf: FakeShelf) => bringLists(shelf as unknown as Shelf, () => NOW);
const years = (shelf: FakeShelf) =>
  shelf.takeStatus.mock.calls.map(([said]) => (said as { year: number }).year).sort();

beforeEach(() => {
  vi.mocked(get).mockResolvedValue({ lists: [place(2026), place(2025), place(2024)] });
  vi.mocked(getBlob).mockImplementation(async () => new File([new Uint8Array([1])], "x"));
});

test("the trust list and every status list that is wanted are fetched and kept", async () => {
  const shelf = shelfOf(null, [2025]);
  expect(await bring(shelf)).toEqual({ state: "ready", root: "a1", demo: true, issuedAt: NOW, missing: 0 });
  expect(years(shelf)).toEqual([2024, 2026]);
  expect(vi.mocked(getBlob).mock.calls.map(([path]) => path).sort()).toEqual([
    "/api/status-lists/11341522MB0000001T/2024",
    "/api/status-lists/11341522MB0000001T/2026",
    "/api/trust-list",
  ]);
});

test("a list that is not to be had keeps nobody from having the others", async () => {
  const shelf = shelfOf(null);
  shelf.takeStatus.mockRejectedValueOnce(new Error("expired"));
  expect(await bring(shelf)).toMatchObject({ state: "ready", missing: 1 });
  expect(years(shelf)).toEqual([2024, 2025, 2026]);
});

test.each(["network.lost", "rate.exceeded"])("after %s no list is asked for any more", async (code) => {
  const many = Array.from({ length: 50 }, (_, at) => place(2000 + at));
  vi.mocked(get).mockResolvedValue({ lists: many });
  const shelf = shelfOf(null);
  vi.mocked(getBlob)
    .mockResolvedValueOnce(new File([], "trust"))
    .mockRejectedValue(new ApiError(code, 0));
  expect(await bring(shelf)).toMatchObject({ state: "ready", missing: 50 });
  expect(vi.mocked(getBlob).mock.calls.length).toBeLessThanOrEqual(5);
});

test("one visit fetches 200 lists at most and says that there are more", async () => {
  vi.mocked(get).mockResolvedValue({ lists: Array.from({ length: 230 }, (_, at) => place(2000 + at)) });
  const shelf = shelfOf(null);
  expect(await bring(shelf)).toMatchObject({ state: "ready", missing: 30 });
  expect(shelf.takeStatus).toHaveBeenCalledTimes(200);
});

test("without network, what an earlier visit kept counts on", async () => {
  vi.mocked(getBlob).mockRejectedValue(new ApiError("network.lost", 0));
  expect(await bring(shelfOf(KEPT))).toEqual({ state: "kept", root: "a1", demo: true, issuedAt: NOW });
  expect(await bring(shelfOf(null))).toEqual({ state: "none" });
});

test("a trust list of another root is told of, and no status list is taken by it", async () => {
  // Even where the list that was kept can no more be read, or nobody could begin anew.
  const shelf = shelfOf(null);
  shelf.takeTrust.mockRejectedValue(new OtherRoot("b2"));
  expect(await bring(shelf)).toEqual({ state: "other_root", root: "a1", found: "b2" });
  expect(shelf.takeStatus).not.toHaveBeenCalled();
});
