import { enableAutoUnmount, mount } from "@vue/test-utils";
import { afterEach, expect, test } from "vitest";
import { defineComponent, nextTick, ref } from "vue";
import FormDialog from "./FormDialog.vue";

enableAutoUnmount(afterEach);

/** A dialog that asks for one word, and finds it missing whenever it is asked. */
function asked(busy = false) {
  const [fault, confirmed, closed] = [ref(""), ref(0), ref(0)];
  mount(
    defineComponent({
      components: { FormDialog },
      setup: () => ({
        busy, fault, closed, confirm: () => ((confirmed.value += 1), (fault.value = "请写明原因")),
      }),
      template: `
        <form-dialog v-model:fault="fault" name="why" title="原因" action="提交" :busy="busy" @confirmed="confirm" @closed="closed += 1">
          <input id="reason" />
        </form-dialog>`,
    }),
    { attachTo: document.body },
  );
  const find = (what: string) => document.querySelector<HTMLElement>(what);
  return { fault, confirmed, closed, find };
}

test("what is missing is said until something is filled in", async () => {
  const { find, confirmed } = asked();
  await nextTick();
  find('[data-testid="why-confirm"]')!.click();
  await nextTick();
  expect([confirmed.value, find('[role="alert"]')?.textContent]).toEqual([1, "请写明原因"]);
  find("#reason")!.dispatchEvent(new Event("input", { bubbles: true }));
  await nextTick();
  expect(find('[role="alert"]')).toBeNull();
});

test("it is confirmed by the form as by its button, and closed by the other one", async () => {
  const { find, confirmed, closed } = asked();
  await nextTick();
  find("form")!.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  expect(confirmed.value).toBe(1);
  [...document.querySelectorAll<HTMLElement>("button")].find((one) => one.textContent?.trim() === "取消")!.click();
  expect([confirmed.value, closed.value]).toEqual([1, 1]);
});

test("while it is being carried out it cannot be closed as if that called it back", async () => {
  const { find, closed } = asked(true);
  await nextTick();
  [...document.querySelectorAll<HTMLElement>("button")].find((one) => one.textContent?.trim() === "取消")!.click();
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", code: "Escape", bubbles: true }));
  await nextTick();
  expect([closed.value, find(".el-dialog__headerbtn")]).toEqual([0, null]);
});
