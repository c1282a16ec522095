import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { reactive } from "vue";
import { useDesk } from "@/stores/desk";
import SettleDialog from "./SettleDialog.vue";

vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));
enableAutoUnmount(afterEach);

const valid = (id: string) => ({ id, number: id, title: "余额证明", state: "valid", pending_revocation: null });

test("nobody settles with the successor of a certificate without having chosen it", async () => {
  const settle = vi.fn(async () => ({}));
  const desk = reactive({ certificates: [valid("first")] as object[], settle });
  vi.mocked(useDesk).mockReturnValue(desk as never);
  mount(SettleDialog, { attachTo: document.body });
  await flushPromises();
  const find = <E extends HTMLElement>(what: string) => document.querySelector<E>(what)!;
  const reference = find<HTMLInputElement>("#settle-reference");
  reference.value = "LSH-1";
  reference.dispatchEvent(new Event("input", { bubbles: true }));
  desk.certificates = [{ ...valid("first"), state: "superseded" }, valid("second")];
  await flushPromises();
  find('[data-testid="settle-confirm"]').click();
  await flushPromises();
  expect(settle).not.toHaveBeenCalled();
  expect(find('[role="alert"]').textContent).toBe("请先核对，再选定一份有效的证明");
  find('input[value="second"]').click();
  await flushPromises();
  find('[data-testid="settle-confirm"]').click();
  await flushPromises();
  expect(settle).toHaveBeenCalledExactlyOnceWith("second", "LSH-1", "");
});
