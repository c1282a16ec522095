import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CaseRow, CaseState } from "@/api/shapes";
import { useCases } from "./cases";

const PAGE = 50;
let kept: CaseRow[];
let isDown: boolean;

/** What the service would answer: a page of what is older than `before`, the newest first. */
async function answer(url: string): Promise<Response> {
  if (isDown) throw new TypeError("no network");
  const query = new URL(url, "http://kuayu.test").searchParams;
  const before = query.get("before") ?? "~";
  const fits = kept.filter((row) => row.opened_at < before && (!query.has("open") || row.state !== "settled"));
  const data = { cases: structuredClone(fits.slice(0, PAGE)), more: fits.length > PAGE };
  return new Response(JSON.stringify({ data, error: null, request_id: "r" }));
}

const row = (at: number, state: CaseState) =>
  ({ id: `${at}`, state, opened_at: `2026-11-22T04:${String(at).padStart(4, "0")}Z` }) as CaseRow;

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  // The newest are all over; only the oldest one is still a draft.
  kept = [...Array(120).keys()].reverse().map((at) => row(at, at === 0 ? "draft" : "settled"));
  isDown = false;
  vi.stubGlobal("fetch", answer);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("older cases that were asked for are as they are, whenever the list is fetched anew", async () => {
  const cases = useCases();
  await cases.list();
  await cases.listMore();
  await cases.listMore();
  expect([cases.rows.length, cases.more]).toEqual([120, false]);
  kept.at(-1)!.state = "withdrawn";
  await cases.list();
  expect([cases.rows.length, cases.rows.at(-1)!.state]).toEqual([120, "withdrawn"]);
});

test("what is still open is found behind whole pages of what is over", async () => {
  const cases = useCases();
  await cases.list();
  await cases.showOnlyOpen(true);
  expect(cases.rows.map((one) => one.id)).toEqual(["0"]);
  await cases.showOnlyOpen(false);
  expect([cases.rows.length, cases.more]).toEqual([PAGE, true]);
});

test("a choice that cannot be fetched is not taken for what is listed", async () => {
  const cases = useCases();
  await cases.list();
  isDown = true;
  const asked = expect(cases.showOnlyOpen(true)).rejects.toThrow();
  await vi.advanceTimersByTimeAsync(5_000);
  await asked;
  expect([cases.onlyOpen, cases.rows.length]).toEqual([false, PAGE]);
});
