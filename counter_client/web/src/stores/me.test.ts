import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { get, post } from "@/api/http";
import { useMe } from "./me";

vi.mock("@/api/http", () => ({ get: vi.fn(), post: vi.fn() }));

const clerk = (id: string) => ({ clerk: { id, roles: ["counter"] }, server_time: "2026-11-29T04:00:00Z" });

beforeEach(() => setActivePinia(createPinia()));

test("who signs out while the service cannot be reached is told so and stays signed in", async () => {
  const me = useMe();
  vi.mocked(get).mockResolvedValue(clerk("a"));
  await me.load();
  vi.mocked(post).mockRejectedValue(new ApiError("network.lost", 0));
  await expect(me.signOut()).rejects.toThrow("network.lost");
  expect(me.clerk?.id).toBe("a");
  // That the login had ended already is what was wanted.
  vi.mocked(post).mockRejectedValue(new ApiError("login.expired", 401));
  await me.signOut();
  expect(me.clerk).toBeNull();
});
