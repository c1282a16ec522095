import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { reactive } from "vue";
import { useDesk } from "@/stores/desk";
import { sayDone } from "@/ui/say";
import SettleDialog from "./SettleDialog.vue";

vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));
vi.mock("@/ui/say", async (original) => ({ ...(await original<object>()), sayDone: vi.fn() }));
enableAutoUnmount(afterEach);

const valid = (id: string) => ({ id, number: id, title: "余额证明", state: "valid", pending_revocation: null });

const find = <E extends HTMLElement>(what: string) => document.querySelector<E>(what)!;

/** Open the dialog on what the case has, and fill in what the local transaction is called. */
async function opened(certificates: object[]) {
  const settle = vi.fn(async (certificate_id: string | null) => ({ certificate_id }));
  const desk = reactive({ certificates, settle });
  vi.mocked(useDesk).mockReturnValue(desk as never);
  mount(SettleDialog, { attachTo: document.body });
  await flushPromises();
  const reference = find<HTMLInputElement>("#settle-reference");
  reference.value = "LSH-1";
  reference.dispatchEvent(new Event("input", { bubbles: true }));
  return { settle, desk };
}

async function confirm() {
  find('[data-testid="settle-confirm"]').click();
  await flushPromises();
}

test("who settles with a promise is not told of a receipt that nobody gets", async () => {
  const { settle } = await opened([]);
  await confirm();
  expect(settle).toHaveBeenCalledExactlyOnceWith(null, "LSH-1", "");
  expect(sayDone).toHaveBeenLastCalledWith("已凭承诺办结");
});

test("nobody settles with the successor of a certificate without having chosen it", async () => {
  const { settle, desk } = await opened([valid("first")]);
  desk.certificates = [{ ...valid("first"), state: "superseded" }, valid("second")];
  await flushPromises();
  await confirm();
  expect(settle).not.toHaveBeenCalled();
  expect(find('[role="alert"]').textContent).toBe("请先核对，再选定一份有效的证明");
  find('input[value="second"]').click();
  await flushPromises();
  await confirm();
  expect(settle).toHaveBeenCalledExactlyOnceWith("second", "LSH-1", "");
  expect(sayDone).toHaveBeenLastCalledWith("已办结，使用回执已送属地");
});
