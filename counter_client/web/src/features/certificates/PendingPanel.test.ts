import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, expect, test, vi } from "vitest";
import type { Recall } from "@/api/shapes";
import { useRecalls } from "@/stores/recalls";
import PendingPanel from "./PendingPanel.vue";
import RecallDialog from "./RecallDialog.vue";

vi.mock("@/stores/me", () => ({ useMe: () => ({ now: () => Date.now(), clerk: { id: "me", hall: "pingwang" }, isCounter: true }) }));
enableAutoUnmount(afterEach);

test("a dialog stays, with what was typed, when a colleague has answered what it asks about", async () => {
  setActivePinia(createPinia());
  const recalls = useRecalls();
  recalls.recalls = [{ id: "r", hall: "pingwang", cause: "revoked", due_at: "2026-11-29T04:00:00Z" } as Recall];
  const panel = mount(PendingPanel, { global: { stubs: { RecallDialog: true } } });
  await panel.get('[data-testid="recall-answer"]').trigger("click");
  recalls.recalls = [];
  await flushPromises();
  expect(panel.find('[data-testid="pending"]').exists()).toBe(false);
  expect(panel.findComponent(RecallDialog).exists()).toBe(true);
});
