import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { nextTick } from "vue";
import { useCall } from "./call";
import { useCheck } from "./check";
import { useGuests } from "./guests";
import { useMedia } from "./media";

vi.mock("@/call/probe", () => ({ probe: async () => ({ network: "direct", figures: null }) }));

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  setActivePinia(createPinia());
  const opened = { id: "s", getTracks: () => [], getAudioTracks: () => [], getVideoTracks: () => [] };
  vi.spyOn(useMedia(), "open").mockImplementation(async () => void (useMedia().camera = opened as never));
});
afterEach(() => vi.useRealTimers());

test("a check that is only shut carries nothing out, and comes again", () => {
  const check = useCheck();
  const call = vi.fn();
  check.before("call", call);
  check.shut();
  check.before("call", call);
  expect([check.isOpen, call.mock.calls.length]).toEqual([true, 0]);
  check.leave();
  expect([check.isOpen, call.mock.calls.length]).toEqual([false, 1]);
});

test("an invitation that rings ends a check, and none begins while it does", async () => {
  const check = useCheck();
  check.open();
  useGuests().invitation = { id: "i" } as never;
  await nextTick();
  expect(check.isOpen).toBe(false);
  const go = vi.fn();
  check.before("ready", go);
  expect([check.isOpen, go.mock.calls.length]).toEqual([false, 1]);
});

test("devices that a call closes at its end are opened again for a check that looks at them", async () => {
  const [call, check, media] = [useCall(), useCheck(), useMedia()];
  call.call = { id: "call", state: "connected", seats: [] } as never;
  media.camera = { getTracks: () => [] } as never;
  check.open();
  await nextTick();
  call.call = null;
  media.close();
  await nextTick();
  expect(media.camera).not.toBeNull();
});
