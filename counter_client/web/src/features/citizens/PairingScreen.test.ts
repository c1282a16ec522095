import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { post } from "@/api/http";
import PairingScreen from "./PairingScreen.vue";

vi.mock("@/api/http", () => ({ post: vi.fn() }));

const offer = (code: string) => ({ token: code, code, expires_at: "2026-11-29T04:02:00Z" });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the digits stand until the service says that they are over, whatever the screen's clock says", async () => {
  vi.setSystemTime("2026-11-29T05:00:00Z");
  vi.mocked(post).mockResolvedValueOnce(offer("111111")).mockResolvedValue({ paired: false });
  const screen = mount(PairingScreen);
  await flushPromises();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(screen.get('[data-testid="facing-code"]').text()).toBe("111111");
  vi.mocked(post).mockRejectedValueOnce(new ApiError("pairing.unknown", 404)).mockResolvedValueOnce(offer("222222"));
  await vi.advanceTimersByTimeAsync(3_000);
  expect(screen.get('[data-testid="facing-code"]').text()).toBe("222222");
  screen.unmount();
});
