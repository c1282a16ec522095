import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { reactive } from "vue";
import { useDesk } from "@/stores/desk";
import ConcludeDialog from "./ConcludeDialog.vue";

vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));
enableAutoUnmount(afterEach);

test("what cannot be decided any more says so, and keeps what was typed", async () => {
  const returnCase = vi.fn(async () => ({}));
  const desk = reactive({
    shown: { side: "jurisdiction", state: "in_call" }, me: { roles: ["agent"] }, holdsSeat: true, item: null, ticket: null, returnCase,
  });
  vi.mocked(useDesk).mockReturnValue(desk as never);
  mount(ConcludeDialog, { props: { ending: "return" }, attachTo: document.body });
  await flushPromises();
  const find = <E extends HTMLElement>(what: string) => document.querySelector<E>(what);
  const what = find<HTMLInputElement>('input[data-testid="missing-what"]')!;
  what.value = "户口本";
  what.dispatchEvent(new Event("input", { bubbles: true }));
  desk.shown.state = "waiting";
  await flushPromises();
  expect(find('[data-testid="conclude-barred"]')?.textContent).toBe("办件现在是“排队中”，不能退回补正。");
  find('[data-testid="conclude-confirm"]')!.click();
  expect(returnCase).not.toHaveBeenCalled();
  desk.shown.state = "in_call";
  await flushPromises();
  find('[data-testid="conclude-confirm"]')!.click();
  await flushPromises();
  expect(returnCase).toHaveBeenCalledExactlyOnceWith([{ what: "户口本", why: "" }], "");
});
