import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { reactive } from "vue";
import { useDesk } from "@/stores/desk";
import CheckForm from "./CheckForm.vue";

vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));
enableAutoUnmount(afterEach);

test("what is filled in while a check is being recorded stays for the next one", async () => {
  let arrive: () => void = () => undefined;
  const recordCheck = vi.fn(() => new Promise<object>((done) => (arrive = () => done({}))));
  const papers = ["a", "b"].map((id) => ({ id, name: id, origin: "upload", at: "2026-11-29T04:00:00Z", removed: false }));
  vi.mocked(useDesk).mockReturnValue(reactive({ shown: { materials: papers }, recordCheck }) as never);
  const form = mount(CheckForm);
  const remark = form.get<HTMLInputElement>('[data-testid="check-remark"]');
  await form.get('input[value="a"]').setValue(true);
  await remark.setValue("人证一致");
  await form.get('[data-testid="check-identity-pass"]').trigger("click");
  expect(recordCheck).toHaveBeenCalledExactlyOnceWith("identity", true, ["a"], "人证一致");
  await form.get('input[value="b"]').setValue(true);
  await remark.setValue("材料齐全");
  arrive();
  await flushPromises();
  const ticked = form.findAll<HTMLInputElement>("input:checked").map((one) => one.element.value);
  expect([remark.element.value, ticked]).toEqual(["材料齐全", ["identity", "b"]]);
});
