import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "./errors";
import { create, get, getBlob, patch, post, postBlob, whenSignedOut } from "./http";
import { KeyRing, newKey } from "./keys";

const answer = (data: unknown) => Response.json({ data, error: null, request_id: "r" });
const refused = (code: string, status: number, field: string | null = null, details = {}) =>
  Response.json({ data: null, error: { code, field, details }, request_id: "r1" }, { status });

let fetched: ReturnType<typeof vi.fn>;
const keyOf = (call: number) =>
  (fetched.mock.calls[call]![1] as { headers: Record<string, string> }).headers["Idempotency-Key"];

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 500 });
  fetched = vi.fn();
  vi.stubGlobal("fetch", fetched);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the one answer shape", () => {
  it("becomes its data", async () => {
    fetched.mockResolvedValue(answer({ seq: 3 }));
    expect(await get("/api/x")).toEqual({ seq: 3 });
  });

  it("becomes an ApiError with code, field and details", async () => {
    fetched.mockResolvedValue(refused("field.stale", 409, "balance", { version: 2 }));
    const error = await patch("/api/x", {}).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      code: "field.stale", status: 409, field: "balance", details: { version: 2 }, requestId: "r1",
    });
  });

  it("is not taken from something else", async () => {
    fetched.mockResolvedValue(new Response("<html>", { status: 200 }));
    await expect(post("/api/x")).rejects.toMatchObject({ code: "answer.unreadable" });
  });

  it("of a refused file is the refusal, not a file", async () => {
    fetched.mockResolvedValue(refused("case.unknown", 404));
    await expect(getBlob("/api/x")).rejects.toMatchObject({ code: "case.unknown" });
  });
});

it("gives a file the name that the service gave it", async () => {
  const about = { "Content-Disposition": "attachment; filename*=UTF-8''%E8%AF%81-3.pdf", "Content-Type": "application/pdf" };
  fetched.mockResolvedValue(new Response("%PDF", { headers: about }));
  const file = await postBlob("/api/x");
  expect([file.name, file.type, await file.text()]).toEqual(["证-3.pdf", "application/pdf", "%PDF"]);
});

describe("an ended login", () => {
  it("is told once it is heard of, a wrong password is not one", async () => {
    const told = vi.fn();
    whenSignedOut(told);
    fetched.mockResolvedValueOnce(refused("login.refused", 401));
    await expect(post("/api/login")).rejects.toThrow();
    expect(told).not.toHaveBeenCalled();
    fetched.mockResolvedValueOnce(refused("login.expired", 401));
    await expect(get("/api/me")).rejects.toThrow();
    expect(told).toHaveBeenCalledWith("login.expired");
  });
});

describe("commands that create something", () => {
  it("are asked again with the same key when no answer came", async () => {
    fetched.mockRejectedValueOnce(new TypeError("cut")).mockResolvedValueOnce(answer({ id: "a" }));
    expect(await create("/api/cases", { a: 1 })).toEqual({ id: "a" });
    expect(fetched).toHaveBeenCalledTimes(2);
    expect(keyOf(0)).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
    expect(keyOf(1)).toBe(keyOf(0));
  });

  it("keep their key for the next click when the outcome stays unknown", async () => {
    fetched.mockRejectedValue(new TypeError("cut"));
    await expect(create("/api/cases", { a: 2 })).rejects.toMatchObject({ code: "network.lost" });
    const tries = fetched.mock.calls.length;
    fetched.mockResolvedValue(answer({}));
    await create("/api/cases", { a: 2 });
    expect(keyOf(tries)).toBe(keyOf(0));
  });

  it("take a new key after an answer or a refusal", async () => {
    fetched.mockResolvedValueOnce(answer({})).mockResolvedValueOnce(refused("case.incomplete", 409));
    await create("/api/cases", { a: 3 });
    await expect(create("/api/cases", { a: 3 })).rejects.toThrow();
    fetched.mockResolvedValueOnce(answer({}));
    await create("/api/cases", { a: 3 });
    expect(new Set([keyOf(0), keyOf(1), keyOf(2)]).size).toBe(3);
  });

  it("without a key are not sent twice", async () => {
    fetched.mockRejectedValue(new TypeError("cut"));
    await expect(post("/api/x")).rejects.toMatchObject({ code: "network.lost" });
    expect(fetched).toHaveBeenCalledTimes(1);
  });
});

describe("keys", () => {
  it("are never the same twice", () => {
    expect(new Set(Array.from({ length: 100 }, newKey)).size).toBe(100);
  });

  it("differ between bodies of one path", () => {
    const ring = new KeyRing();
    expect(ring.take("/a", "1")).not.toBe(ring.take("/a", "2"));
    expect(ring.take("/a", "1")).toBe(ring.take("/a", "1"));
  });
});
