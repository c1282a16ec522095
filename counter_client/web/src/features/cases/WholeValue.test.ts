import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { reactive } from "vue";
import { useDesk } from "@/stores/desk";
import WholeValue from "./WholeValue.vue";

vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));

const MASKED = "3415**********0002";
const WHOLE = "341522195503040002";
const reveal = vi.fn(async () => ({ value: WHOLE }));
const desk = reactive({
  shown: { side: "jurisdiction", state: "in_call" }, me: { roles: ["agent"] }, holdsSeat: true, reveal,
});

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  vi.mocked(useDesk).mockReturnValue(desk as never);
  reveal.mockResolvedValue({ value: WHOLE });
  desk.holdsSeat = true;
});
afterEach(() => void vi.useRealTimers());
enableAutoUnmount(afterEach);

async function opened() {
  const value = mount(WholeValue, { props: { name: "applicant_id_number", label: "身份证号码", masked: MASKED } });
  expect(value.text()).toContain(MASKED);
  await value.get("button").trigger("click");
  await flushPromises();
  expect(value.text()).toContain(WHOLE);
  return value;
}

test("a number is whole when it is asked for, and masked again after a minute", async () => {
  const value = await opened();
  expect(reveal).toHaveBeenCalledExactlyOnceWith("applicant_id_number");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(value.text()).toContain(MASKED);
});

test("a number is masked again at once by hand, and when its reader leaves the call", async () => {
  const value = await opened();
  await value.get("button").trigger("click");
  expect(value.text()).toContain(MASKED);
  await value.get("button").trigger("click");
  await flushPromises();
  expect(value.text()).toContain(WHOLE);
  desk.holdsSeat = false;
  await flushPromises();
  expect(value.text()).toContain(MASKED);
  expect(value.find("button").exists()).toBe(false);
});
