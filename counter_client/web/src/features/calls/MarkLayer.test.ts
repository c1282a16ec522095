import { mount } from "@vue/test-utils";
import { createPinia } from "pinia";
import { expect, test, vi } from "vitest";
import MarkLayer from "./MarkLayer.vue";

test("whoever goes for the pen points at nothing in the picture below it", () => {
  const moved = vi.fn();
  const layer = mount(
    { components: { MarkLayer }, setup: () => ({ moved, box: { left: 0, top: 0, width: 640, height: 360 } }),
      template: '<figure @pointermove="moved"><i /><MarkLayer name="screen" label="屏幕" :box="box" /></figure>' },
    { global: { plugins: [createPinia()] } },
  );
  const move = (what: string) => layer.get(what).element.dispatchEvent(new Event("pointermove", { bubbles: true }));
  move("i");
  expect(moved).toHaveBeenCalledTimes(1);
  move('[data-testid="pen"]');
  expect(moved).toHaveBeenCalledTimes(1);
  layer.unmount();
});
