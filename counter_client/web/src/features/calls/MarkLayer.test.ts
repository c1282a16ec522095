import { mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { expect, test, vi } from "vitest";
import { nextTick } from "vue";
import type { Call, Seat } from "@/api/shapes";
import { useCall } from "@/stores/call";
import MarkLayer from "./MarkLayer.vue";

const BOX = { left: 0, top: 0, width: 640, height: 360 };

test("whoever goes for the pen points at nothing in the picture below it", () => {
  const moved = vi.fn();
  const layer = mount(
    { components: { MarkLayer }, setup: () => ({ moved, BOX }),
      template: '<figure @pointermove="moved"><i /><MarkLayer name="screen" label="屏幕" :box="BOX" /></figure>' },
    { global: { plugins: [createPinia()] } },
  );
  const move = (what: string) => layer.get(what).element.dispatchEvent(new Event("pointermove", { bubbles: true }));
  move("i");
  expect(moved).toHaveBeenCalledTimes(1);
  move('[data-testid="pen"]');
  expect(moved).toHaveBeenCalledTimes(1);
  layer.unmount();
});

test("who only looks on has no pen", async () => {
  const pinia = createPinia();
  setActivePinia(pinia);
  const layer = mount(MarkLayer, { props: { name: "screen", label: "屏幕", box: BOX }, global: { plugins: [pinia] } });
  const seatOf = (side: Seat["side"]) => ({ my_seat: "mine", seats: [{ id: "mine", side }] }) as Call;
  useCall().call = seatOf("adviser");
  await nextTick();
  expect(layer.find('[data-testid="pen"]').exists()).toBe(true);
  useCall().call = seatOf("observer");
  await nextTick();
  expect(layer.find('[data-testid="pen"]').exists()).toBe(false);
  layer.unmount();
});
