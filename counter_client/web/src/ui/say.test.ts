import { afterEach, expect, test, vi } from "vitest";
import { nextTick } from "vue";
import { sayHint, sayToWhoReturns } from "./say";

afterEach(() => void vi.useRealTimers());

test("what was missed is still told to who comes back after an hour, a hint is not", async () => {
  vi.useFakeTimers();
  sayHint("群众已离开");
  sayToWhoReturns("来件没有及时接听");
  await nextTick();
  await vi.advanceTimersByTimeAsync(3_600_000);
  const told = [...document.querySelectorAll<HTMLElement>(".el-message")].filter((one) => one.style.display !== "none");
  expect(told.map((one) => one.textContent)).toEqual([expect.stringContaining("没有及时接听")]);
});
