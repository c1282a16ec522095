import { flushPromises } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMemoryHistory, createRouter } from "vue-router";
import { useLine } from "@/stores/line";
import { useMe } from "@/stores/me";
import { guardStaffPages } from "./session";

const ME = { clerk: { id: "first", roles: ["counter"] }, server_time: "2026-11-22T04:00:00Z" };

beforeEach(() => {
  setActivePinia(createPinia());
  const answer = JSON.stringify({ data: ME, error: null, request_id: "r" });
  vi.stubGlobal("fetch", async () => new Response(answer));
  vi.spyOn(useLine(), "open").mockReturnValue();
});
afterEach(() => void vi.unstubAllGlobals());

test("after a login has ended, whoever comes in next begins with a page that is loaded anew", async () => {
  const component = { template: "<p />" };
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: "/", component, meta: { title: "", staff: true } }, { path: "/login", component, meta: { title: "" } }],
  });
  const loadAnew = vi.fn();
  guardStaffPages(router, loadAnew);
  await router.push("/?case=a");
  expect([router.currentRoute.value.fullPath, loadAnew.mock.calls]).toEqual(["/?case=a", []]);
  await useMe().signOut();
  await router.push("/login");
  await useMe().signIn("second", "password");
  await router.push("/?case=a");
  expect([router.currentRoute.value.path, loadAnew.mock.calls]).toEqual(["/login", [["/?case=a"]]]);
});

test("a tab that could not hear that another one signed somebody else in is theirs once it is back", async () => {
  const component = { template: "<p />" };
  const router = createRouter({
    history: createMemoryHistory(), routes: [{ path: "/", component, meta: { title: "", staff: true } }],
  });
  const loadAnew = vi.fn();
  const ups: (() => void)[] = [];
  vi.spyOn(useLine(), "onUp").mockImplementation((tell) => void ups.push(tell));
  guardStaffPages(router, loadAnew);
  await router.push("/?case=a");
  ups[0]!();
  ups[0]!();
  await flushPromises();
  expect(loadAnew).not.toHaveBeenCalled();
  const second = { ...ME, clerk: { id: "second", roles: ["supervisor"] } };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ data: second, error: null, request_id: "r" })));
  ups[0]!();
  await flushPromises();
  expect(loadAnew.mock.calls).toEqual([["/board"]]);
});
