import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useGuests } from "./guests";

const refusal = (code: string, status: number) =>
  new Response(JSON.stringify({ data: null, error: { code, field: null, details: {} } }), {
    status, headers: { "Content-Type": "application/json" },
  });

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  useGuests().invitation = { id: "i" } as never;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test.each(["accept", "decline"] as const)("an invitation rings on where the line failed: %s", async (verb) => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no line")));
  const guests = useGuests();
  await expect(guests[verb]("")).rejects.toThrow();
  expect(guests.invitation?.id).toBe("i");
});

test.each(["accept", "decline"] as const)("an invitation that is refused us is over: %s", async (verb) => {
  vi.stubGlobal("fetch", async () => refusal("invitation.gone", 409));
  const guests = useGuests();
  await expect(guests[verb]("")).rejects.toThrow("invitation.gone");
  expect(guests.invitation).toBeNull();
});
