import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { get } from "@/api/http";
import RecordingsPage from "./RecordingsPage.vue";

vi.mock("@/api/http", () => ({ get: vi.fn() }));
vi.mock("vue-router", () => ({ useRouter: () => ({ push: vi.fn() }) }));
enableAutoUnmount(afterEach);

const call = (id: string) => ({
  call_id: id, number: id, size: 1, purged: false, ended_at: null,
  started_at: `2026-11-2${id}T04:00:00Z`, retain_until: "2027-11-22T04:00:00Z",
});

test("older calls come once, however often they are asked for, and by what the others were found by", async () => {
  vi.mocked(get).mockResolvedValueOnce({ calls: [call("3")], more: true });
  const page = mount(RecordingsPage, { global: { stubs: { RouterLink: true } } });
  await flushPromises();
  await page.get('[data-testid="recordings-number"]').setValue("320509");
  vi.mocked(get).mockResolvedValue({ calls: [call("2")], more: false });
  const more = page.get('[data-testid="recordings-more"]');
  await Promise.all([more.trigger("click"), more.trigger("click")]);
  await flushPromises();
  expect(vi.mocked(get).mock.calls.slice(1)).toEqual([["/api/recordings?number=&before=2026-11-23T04%3A00%3A00Z"]]);
  expect(page.findAll("tbody tr")).toHaveLength(2);
});
