import { enableAutoUnmount, flushPromises, mount, shallowMount } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { reactive } from "vue";
import { useDesk } from "@/stores/desk";
import MaterialsTab from "./MaterialsTab.vue";

vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));
enableAutoUnmount(afterEach);

test("every file of a choice goes to the case it was chosen for, though another one comes onto the desk", async () => {
  const sent: string[] = [];
  const onDesk = (id: string) => ({ id, materials: [], side: "local", state: "draft" });
  const desk = reactive({
    shown: onDesk("first"), me: { roles: ["counter"] }, item: null, holdsSeat: false,
    addMaterial: async (caseId: string) => {
      sent.push(caseId);
      desk.shown = onDesk("second");
      return {};
    },
  });
  vi.mocked(useDesk).mockReturnValue(desk as never);
  const tab = shallowMount(MaterialsTab);
  const input = tab.get<HTMLInputElement>('[data-testid="material-upload-other"]');
  const files = [new File(["a"], "a.pdf"), new File(["b"], "b.pdf")];
  Object.defineProperty(input.element, "files", { value: files });
  await input.trigger("change");
  await flushPromises();
  expect(sent).toEqual(["first", "first"]);
});

test("who looks at a material is told when it is removed meanwhile", async () => {
  const paper = { id: "m", kind: "other", name: "证件", origin: "upload", pages: 1, removed: false };
  const desk = reactive({
    shown: { id: "c", materials: [paper], side: "jurisdiction", state: "in_call" }, caseId: "c",
    me: { roles: ["agent"] }, item: null, holdsSeat: true,
  });
  vi.mocked(useDesk).mockReturnValue(desk as never);
  const tab = mount(MaterialsTab, { global: { stubs: { MaterialCard: true } } });
  tab.getComponent({ name: "MaterialCard" }).vm.$emit("open");
  await flushPromises();
  const warning = () => document.querySelector('[data-testid="material-removed"]');
  expect(warning()).toBeNull();
  desk.shown = { ...desk.shown, materials: [{ ...paper, removed: true }] };
  await flushPromises();
  expect(warning()?.textContent).toContain("移除了这份材料");
});
