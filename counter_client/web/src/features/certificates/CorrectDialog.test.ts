import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, expect, test, vi } from "vitest";
import type { Certificate } from "@/api/shapes";
import { useDesk } from "@/stores/desk";
import CorrectDialog from "./CorrectDialog.vue";

vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));
vi.mock("@/stores/reviews", () => ({ useReviews: () => ({}) }));
enableAutoUnmount(afterEach);

test("what is missing is said until something is filled in", async () => {
  setActivePinia(createPinia());
  vi.mocked(useDesk).mockReturnValue({
    item: { fields: [{ name: "months", label: "月数", type: "integer", side: "jurisdiction" }] },
    shown: { fields: [{ name: "months", value: "12", masked: false }] },
    previewCorrection: async () => ({ fields: ["months"], differences: [] }),
  } as never);
  mount(CorrectDialog, { props: { certificate: { id: "c", number: "1" } as Certificate }, attachTo: document.body });
  await flushPromises();
  const find = (what: string) => document.querySelector<HTMLElement>(what);
  find('[data-testid="correct-compare"]')!.click();
  await flushPromises();
  expect(find('[role="alert"]')?.textContent).toBe("请至少改正一项");
  const months = find("#correct-months") as HTMLInputElement;
  months.value = "13";
  months.dispatchEvent(new Event("input", { bubbles: true }));
  await flushPromises();
  expect(find('[role="alert"]')).toBeNull();
});
