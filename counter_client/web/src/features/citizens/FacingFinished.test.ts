import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { getBlob } from "@/api/http";
import type { Facing } from "@/api/shapes";
import FacingFinished from "./FacingFinished.vue";

vi.mock("@/api/http", () => ({ getBlob: vi.fn() }));

const facing = {
  step: "certificate", case: { id: "c", state: "certified" }, certificate: { id: "one", title: "证明", number: "1" }, rating: null,
} as Facing;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a certificate whose picture did not come while the line was cut is shown as soon as it comes", async () => {
  vi.mocked(getBlob).mockRejectedValueOnce(new ApiError("network.lost", 0)).mockResolvedValue(new Blob(["1"]));
  const screen = mount(FacingFinished, { props: { facing, link: null } });
  await flushPromises();
  expect(screen.text()).toContain("正在打开证明…");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(screen.find("img.paper").exists()).toBe(true);
  screen.unmount();
});

test("who has left the screen asks for no more pictures", async () => {
  vi.mocked(getBlob).mockRejectedValue(new ApiError("network.lost", 0));
  const screen = mount(FacingFinished, { props: { facing, link: null } });
  await flushPromises();
  screen.unmount();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(getBlob).toHaveBeenCalledOnce();
});
