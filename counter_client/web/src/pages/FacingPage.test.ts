import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import FacingPage from "./FacingPage.vue";

vi.mock("@/api/socket", () => ({
  Line: class {
    on = () => () => undefined;
    onState = () => () => undefined;
    open = () => undefined;
    close = () => undefined;
  },
}));

const shown = (state: string) => ({
  counter: "1", counter_name: "窗口 1", hall_name: "大厅", region_name: "", step: "in_call", call_id: null, agent: null, notice: null,
  case: { id: "c", number: "320509", item_name: "事项", state: "in_call", applicant: "张**" },
  consent: { state }, certificate: null, rating: null,
});
const answer = (data: object) =>
  new Response(JSON.stringify({ data, error: null }), { headers: { "Content-Type": "application/json" } });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test.each([
  ["refused", "您没有同意告知内容"],
  ["given", "请面向镜头"],
])("the citizen reads what became of their answer: %s", async (state, words) => {
  vi.stubGlobal("fetch", async () => answer(shown(state)));
  const page = mount(FacingPage);
  await flushPromises();
  expect(page.get('[data-testid="facing-beside"]').text()).toContain(words);
  page.unmount();
});

test("a citizen who pressed nothing is not told to press once more while the service is away", async () => {
  vi.stubGlobal("fetch", async () => answer(shown("given")));
  const page = mount(FacingPage);
  await flushPromises();
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no line")));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(page.get('[role="alert"]').text()).toBe("网络暂时不通，正在恢复。您的办件不会丢失，请稍候。");
  page.unmount();
});
