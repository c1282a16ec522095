import { flushPromises, mount } from "@vue/test-utils";
import { expect, test, vi } from "vitest";
import { useCall } from "@/stores/call";
import { useDesk } from "@/stores/desk";
import ChatPanel from "./ChatPanel.vue";

vi.mock("@/stores/call", () => ({ useCall: vi.fn() }));
vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));

test("what is typed while a remark is on its way stays to be sent next", async () => {
  let arrive: () => void = () => undefined;
  const say = () => new Promise<object>((done) => (arrive = () => done({})));
  vi.mocked(useCall).mockReturnValue({ call: { id: "call" } } as never);
  vi.mocked(useDesk).mockReturnValue({ events: [], me: { id: "me" }, say } as never);
  const panel = mount(ChatPanel);
  await panel.get('[data-testid="chat-toggle"]').trigger("click");
  const input = panel.get<HTMLInputElement>("input");
  await input.setValue("请稍等");
  await input.trigger("keydown", { key: "Enter" });
  await input.setValue("请稍等我去拿原件");
  arrive();
  await flushPromises();
  expect(input.element.value).toBe("我去拿原件");
  panel.unmount();
});
