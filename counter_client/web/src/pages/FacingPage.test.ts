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

// There is nothing to draw on in tests.
vi.mock("@/features/citizens/SignaturePad.vue", () => ({ default: { template: "<canvas />" } }));

const shown = (state: string, more: object = {}) => ({
  counter: "1", counter_name: "窗口 1", hall_name: "大厅", region_name: "", step: "in_call", call_id: null, agent: null, notice: null,
  case: { id: "c", number: "320509", item_name: "事项", state: "in_call", applicant: "张**" },
  consent: { state }, certificate: null, rating: null, ...more,
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

const over = (id: string) => ({ step: "done", case: { id, number: id, item_name: "事项", state: "settled", applicant: "张**" } });

test("the next citizen sees nothing of what the one before chose and wrote and did not send", async () => {
  vi.stubGlobal("fetch", async () => answer(shown("given", over("first"))));
  const page = mount(FacingPage);
  await flushPromises();
  await page.get('[data-testid="rating-1"]').trigger("click");
  await page.get('[data-testid="rating-remark"]').setValue("等了很久");
  vi.stubGlobal("fetch", async () => answer(shown("given", over("second"))));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(page.text()).toContain("办件编号 second");
  expect(page.find('[data-testid="rating-remark"]').exists()).toBe(false);
  expect(page.get('[data-testid="rating-1"]').attributes("aria-pressed")).toBe("false");
  page.unmount();
});

test("the next citizen finds neither tick nor signature of the one before on the notice", async () => {
  const notice = { version: "1", title: "告知书", paragraphs: ["一"] };
  const asked = (id: string) => shown("asked", { ...over(id), step: "consent", notice });
  vi.stubGlobal("fetch", async () => answer(asked("first")));
  const page = mount(FacingPage);
  await flushPromises();
  await page.get('[data-testid="facing-agree"]').setValue(true);
  vi.stubGlobal("fetch", async () => answer(asked("second")));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(page.get<HTMLInputElement>('[data-testid="facing-agree"]').element.checked).toBe(false);
  page.unmount();
});
