import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bringLists, keptShelf } from "@/offline";
import { registerWorker } from "@/offline/install";
import type { Supplies } from "@/offline/visit";
import SuppliesNote from "./SuppliesNote.vue";

vi.mock("@/offline", () => ({ bringLists: vi.fn(), keptShelf: vi.fn() }));
vi.mock("@/offline/install", () => ({ registerWorker: vi.fn() }));

const READY: Supplies = { state: "ready", root: "b2".repeat(32), demo: false, issuedAt: 0, missing: 0 };
const OTHER: Supplies = { state: "other_root", root: "a1".repeat(32), found: "b2".repeat(32) };
const forget = vi.fn(async () => undefined);

async function open() {
  const note = mount(SuppliesNote);
  await flushPromises();
  return note;
}

beforeEach(() => {
  vi.useFakeTimers();
  forget.mockClear();
  vi.mocked(registerWorker).mockResolvedValue(true);
  vi.mocked(keptShelf).mockResolvedValue({ forget } as never);
  vi.mocked(bringLists).mockResolvedValue(READY);
});
afterEach(() => void vi.useRealTimers());
enableAutoUnmount(afterEach);

test("a visit fetches the lists, and shows which root is believed in digits one can compare", async () => {
  const note = await open();
  expect(note.text()).toContain("已备好");
  expect(note.text()).toContain("b2b2b2b2 b2b2b2b2");
  expect(forget).not.toHaveBeenCalled();
});

test("only a press forgets the root that was believed, and then the lists are fetched as at first", async () => {
  vi.mocked(bringLists).mockResolvedValueOnce(OTHER);
  const note = await open();
  expect(note.text()).toContain("没有采用");
  for (const digits of ["a1a1a1a1", "b2b2b2b2"]) expect(note.text()).toContain(digits);
  expect(forget).not.toHaveBeenCalled();
  await note.get('[data-testid="supplies-anew"]').trigger("click");
  await flushPromises();
  expect(forget).toHaveBeenCalledOnce();
  expect(note.attributes("data-state")).toBe("ready");
});

test("when the network is back the lists are fetched again, and when a page is looked at after long", async () => {
  await open();
  window.dispatchEvent(new Event("online"));
  await flushPromises();
  expect(bringLists).toHaveBeenCalledTimes(2);
  document.dispatchEvent(new Event("visibilitychange"));
  await flushPromises();
  expect(bringLists).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(11 * 60_000);
  document.dispatchEvent(new Event("visibilitychange"));
  await flushPromises();
  expect(bringLists).toHaveBeenCalledTimes(3);
});

test("where not even the part that verifies can be loaded, nothing is promised", async () => {
  vi.mocked(keptShelf).mockRejectedValue(new TypeError("Failed to fetch dynamically imported module"));
  expect((await open()).text()).toContain("还没有备好");
});
