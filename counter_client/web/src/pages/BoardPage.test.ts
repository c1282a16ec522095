import { flushPromises, shallowMount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, expect, test, vi } from "vitest";
import { defineComponent, h, ref } from "vue";
import { get } from "@/api/http";
import { useMe } from "@/stores/me";
import BoardPage from "./BoardPage.vue";

vi.mock("@/api/http", () => ({ get: vi.fn() }));
vi.mock("vue-router", () => ({ useRouter: () => ({}) }));

const waiting = { case_id: "c", number: "320509", state: "waiting", taken_at: "2026-11-29T03:57:00Z" };
const answers: Record<string, object> = {
  "/api/me": { clerk: { id: "a", roles: ["supervisor"] }, server_time: "2026-11-29T04:00:00Z" },
  "/api/board": { region_name: "霍邱县", cards: {}, waiting: [waiting], calls: [], agents: [] },
};

afterEach(() => void vi.useRealTimers());

test("what lies below a call that is looked on at cannot be reached", async () => {
  setActivePinia(createPinia());
  vi.mocked(get).mockImplementation(async (path) => answers[path] as never);
  const isOpen = ref(false);
  const panel = defineComponent({ setup: (_, { expose }) => (expose({ isOpen }), () => h("i")) });
  const page = shallowMount(BoardPage, { global: { stubs: { ObservePanel: panel } } });
  await flushPromises();
  expect(page.get("main").attributes("inert")).toBeUndefined();
  isOpen.value = true;
  await flushPromises();
  expect(page.get("main").attributes("inert")).toBeDefined();
  expect(page.get("main").find("i").exists()).toBe(false);
  page.unmount();
});

test("how long a case has waited is told by the service's clock, whatever this machine's says", async () => {
  vi.useFakeTimers({ now: Date.parse("2026-11-29T05:30:00Z") });
  setActivePinia(createPinia());
  vi.mocked(get).mockImplementation(async (path) => answers[path] as never);
  await useMe().load();
  const page = shallowMount(BoardPage);
  await flushPromises();
  expect(page.get('[data-testid="board-waiting"] tbody').text()).toContain("3 分 00 秒");
  expect(page.get("header .number").text()).toBe("12:00:00");
  page.unmount();
});
