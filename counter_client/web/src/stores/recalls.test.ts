import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useMe } from "./me";
import { useRecalls } from "./recalls";

const asked: string[] = [];
const answer = (data: unknown) =>
  new Response(JSON.stringify({ data, error: null, request_id: "r" }), {
    headers: { "Content-Type": "application/json" },
  });

/** Sign somebody in and answer with one request and the recalls of two halls. */
function sit(roles: string[], hall = "pingwang"): ReturnType<typeof useRecalls> {
  setActivePinia(createPinia());
  useMe().me = { clerk: { id: "c", roles, hall } } as never;
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    if (path === "/api/revocations") return answer({ requests: [{ pending: { id: "q" } }] });
    return answer({ recalls: [{ id: "a", hall: "pingwang" }, { id: "b", hall: "shengze" }] });
  });
  return useRecalls();
}

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a counter answers for its own hall and is asked to decide nothing", async () => {
  const recalls = sit(["counter"]);
  await recalls.load();
  expect(asked).toEqual(["/api/recalls"]);
  expect(recalls.mine.map((one) => one.id)).toEqual(["a"]);
  expect(recalls.requests).toEqual([]);
});

test("lists that could not be read are not taken for empty ones", async () => {
  const recalls = sit(["supervisor"]);
  const works = globalThis.fetch;
  const error = { code: "action.forbidden", field: null, details: {} };
  const refused = () => new Response(JSON.stringify({ data: null, error, request_id: "r" }), { status: 403 });
  vi.stubGlobal("fetch", async () => refused());
  await expect(recalls.load()).rejects.toThrow();
  expect(recalls.isLoaded).toBe(false);
  vi.stubGlobal("fetch", works);
  await recalls.load();
  expect(recalls.isLoaded).toBe(true);
});

test("an agent decides, and sees what other halls have not answered without answering it", async () => {
  const recalls = sit(["agent"]);
  await recalls.load();
  expect(recalls.requests.map((one) => one.pending.id)).toEqual(["q"]);
  expect([recalls.mine.length, recalls.recalls.length]).toEqual([0, 2]);
});

test("after an answer the lists are asked for again, also when it was refused", async () => {
  const recalls = sit(["counter"]);
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    if (path.endsWith("/acknowledgement")) {
      const error = { code: "recall.gone", field: null, details: {} };
      return new Response(JSON.stringify({ data: null, error, request_id: "r" }), { status: 409 });
    }
    return answer({ recalls: [] });
  });
  await expect(recalls.acknowledge("a", "reviewed", "")).rejects.toThrow("recall.gone");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked).toContain("/api/recalls");
});
