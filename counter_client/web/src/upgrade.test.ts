import { flushPromises } from "@vue/test-utils";
import { expect, test, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { sayFailure } from "@/ui/say";
import { followUpgrades } from "./upgrade";

vi.mock("@/ui/say", () => ({ sayFailure: vi.fn() }));

const gone = () => Promise.reject(new TypeError("Failed to fetch dynamically imported module"));

async function leaveFor(path: string, from = "/") {
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: "/", component: {} }, { path: "/login", component: gone }],
  });
  const open = vi.fn();
  followUpgrades(router, open);
  if (from) await router.push(from);
  await router.push(path).catch(() => undefined);
  await flushPromises();
  return open;
}

test("a page of an earlier build is opened anew, with where it leads", async () => {
  vi.stubGlobal("fetch", vi.fn(async () => new Response("")));
  expect(await leaveFor("/login?after=/board")).toHaveBeenCalledExactlyOnceWith("/login?after=/board");
});

test("without network, or when the service is down, the screen stays and says so", async () => {
  for (const answer of [() => Promise.reject(new TypeError()), async () => new Response("", { status: 502 })]) {
    vi.stubGlobal("fetch", vi.fn(answer));
    vi.mocked(sayFailure).mockClear();
    expect(await leaveFor("/login")).not.toHaveBeenCalled();
    expect(sayFailure).toHaveBeenCalledOnce();
  }
});

test("what cannot be loaded right after opening is not opened again and again", async () => {
  vi.stubGlobal("fetch", vi.fn(async () => new Response("")));
  expect(await leaveFor("/login", "")).not.toHaveBeenCalled();
});
