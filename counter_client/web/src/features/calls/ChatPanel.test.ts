import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { reactive } from "vue";
import { useCall } from "@/stores/call";
import { useDesk } from "@/stores/desk";
import ChatPanel from "./ChatPanel.vue";

vi.mock("@/stores/call", () => ({ useCall: vi.fn() }));
vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));
enableAutoUnmount(afterEach);

let arrive: () => void;
const desk = reactive({
  caseId: "c", events: [], me: { id: "me" }, say: () => new Promise<object>((done) => (arrive = () => done({}))),
});

beforeEach(() => {
  desk.caseId = "c";
  vi.mocked(useCall).mockReturnValue({ call: { id: "call", case_id: "c" } } as never);
  vi.mocked(useDesk).mockReturnValue(desk as never);
});

async function opened() {
  const panel = mount(ChatPanel);
  await panel.get('[data-testid="chat-toggle"]').trigger("click");
  return panel;
}

test("what is typed while a remark is on its way stays to be sent next", async () => {
  const panel = await opened();
  const input = panel.get<HTMLInputElement>("input");
  await input.setValue("请稍等");
  await input.trigger("keydown", { key: "Enter" });
  await input.setValue("请稍等我去拿原件");
  arrive();
  await flushPromises();
  expect(input.element.value).toBe("我去拿原件");
});

test("who has another case on the desk is told where the remarks are to be read", async () => {
  const panel = await opened();
  expect(panel.get("ol").text()).not.toContain("请打开通话中的办件");
  desk.caseId = "another";
  await flushPromises();
  expect(panel.get("ol").text()).toContain("请打开通话中的办件");
});
