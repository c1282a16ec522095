import { createPinia, setActivePinia } from "pinia";
import { nextTick } from "vue";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useDesk } from "./desk";
import { useLine } from "./line";
import { useMe } from "./me";
import { useReviews } from "./reviews";

const MISSING = { kind: "pension-balance", asked: true, fault: "missing", review: null };
let standing: object = MISSING;
const asked: string[] = [];
let inCall = true;
const answer = (data: unknown) =>
  new Response(JSON.stringify({ data, error: null, request_id: "r" }), {
    headers: { "Content-Type": "application/json" },
  });

/** Sign somebody in; one review is open, and one kind of the case on the desk is reviewed. */
function sit(roles: string[]): ReturnType<typeof useReviews> {
  setActivePinia(createPinia());
  useMe().me = { clerk: { id: "c", roles } } as never;
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    if (path === "/api/reviews") return answer({ requests: [{ review: { id: "q" }, in_call: inCall }] });
    return answer({ kinds: [standing] });
  });
  return useReviews();
}

function lay(id: string, review: object | null, state = "in_call"): void {
  const desk = useDesk();
  desk.shown = { id, state } as never;
  desk.item = { certificates: [{ kind: "pension-balance", review }] } as never;
}

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  standing = MISSING;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("agents and supervisors see what waits, and a counter does not ask", async () => {
  const counter = sit(["counter"]);
  await counter.load();
  expect([asked, counter.requests]).toEqual([[], []]);
  const agent = sit(["agent"]);
  await agent.load();
  expect(agent.requests.map((one) => one.review.id)).toEqual(["q"]);
});

test("a case that is laid on the desk is looked at, and no list is asked for with it", async () => {
  const reviews = sit(["agent"]);
  lay("a", { field: null, above: null });
  await nextTick();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked).toEqual(["/api/cases/a/reviews"]);
  expect(reviews.standings.map((one) => one.kind)).toEqual(["pension-balance"]);
});

test("where no review is ever asked for, none is looked up", async () => {
  const reviews = sit(["agent"]);
  lay("a", null);
  await nextTick();
  await vi.advanceTimersByTimeAsync(3_000);
  expect([asked, reviews.standings]).toEqual([[], []]);
});

test("what is issued next is known to need a review, or none, once that was looked up", async () => {
  const reviews = sit(["agent"]);
  lay("a", null);
  expect(reviews.next).toBeUndefined();
  lay("a", { field: null, above: null });
  expect(reviews.next).toBeNull();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(reviews.next?.fault).toBe("missing");
  standing = { ...MISSING, asked: false, fault: null };
  lay("b", { field: "balance", above: "1" });
  expect(reviews.next).toBeNull();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(reviews.next).toBeUndefined();
  standing = MISSING;
  lay("c", { field: null, above: null });
  useDesk().certificates = [{ kind: "pension-balance", state: "valid" }] as never;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(reviews.next).toBeUndefined();
});

test("what waits for a second clerk is the open review of these facts, or of a correction", async () => {
  const reviews = sit(["counter"]);
  const pending = { ...MISSING, fault: "pending", review: { state: "open", corrects: null } };
  const correction = (corrects: string) => ({ ...MISSING, fault: "changed", review: { state: "open", corrects } });
  const cases: [object, string, number][] = [
    [MISSING, "in_call", 0],
    [pending, "in_call", 1],
    [pending, "with_jurisdiction", 1],
    [pending, "returned", 0],
    [{ ...pending, fault: "changed" }, "in_call", 0],
    [correction("valid"), "settled", 1],
    [correction("fallen"), "certified", 0],
    [{ ...MISSING, fault: null, review: { state: "approved", corrects: null } }, "in_call", 0],
  ];
  useDesk().certificates = [{ id: "valid", state: "valid" }, { id: "fallen", state: "revoked" }] as never;
  for (const [place, [now, state, waiting]] of cases.entries()) {
    standing = now;
    lay(`${place}`, { field: null, above: null }, state);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reviews.awaited.length).toBe(waiting);
  }
});

test("while a citizen waits in the call, the line's news tell whether they still do", async () => {
  const reviews = sit(["agent"]);
  const tells = new Map<string, (news: object) => void>();
  const line = { on: (event: string, tell: never) => tells.set(event, tell), onState: () => undefined, open: () => undefined };
  useLine().open(() => undefined, line as never);
  await reviews.load();
  for (const event of ["queue.changed", "board.changed"]) {
    inCall = true;
    await reviews.load();
    asked.length = 0;
    inCall = false;
    tells.get(event)?.({ region: "341522", version: 1 });
    await vi.advanceTimersByTimeAsync(3_000);
    expect([asked[0], reviews.requests[0]!.in_call]).toEqual(["/api/reviews", false]);
  }
  asked.length = 0;
  tells.get("queue.changed")?.({ region: "341522", version: 2 });
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked).toEqual([]);
});

test("after a refusal everything is asked for again", async () => {
  const reviews = sit(["agent"]);
  lay("a", { field: null, above: null });
  await nextTick();
  await vi.advanceTimersByTimeAsync(3_000);
  asked.length = 0;
  const works = globalThis.fetch;
  vi.stubGlobal("fetch", async (path: string) => {
    if (!path.endsWith("/approval")) return works(path);
    const error = { code: "review.gone", field: null, details: {} };
    return new Response(JSON.stringify({ data: null, error, request_id: "r" }), { status: 409 });
  });
  await expect(reviews.approve("q")).rejects.toThrow("review.gone");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked.sort()).toEqual(["/api/cases/a/reviews", "/api/reviews"]);
});
