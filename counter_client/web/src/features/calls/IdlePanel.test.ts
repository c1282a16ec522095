import { enableAutoUnmount, shallowMount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Agent, Me } from "@/api/shapes";
import { useAgent } from "@/stores/agent";
import { useMe } from "@/stores/me";
import IdlePanel from "./IdlePanel.vue";

enableAutoUnmount(afterEach);
beforeEach(() => {
  setActivePinia(createPinia());
  useMe().me = { clerk: { id: "c", roles: ["agent"] } } as unknown as Me;
});

function words(state: string, why: string): string {
  useAgent().agent = { state, why, since: "2026-11-29T11:53:30Z" } as unknown as Agent;
  return shallowMount(IdlePanel).text();
}

test("who was away finds that an offer was missed, until they are ready again", () => {
  expect(words("break", "missed")).toContain("19:53 的来件或会商邀请没有及时回应");
  expect(words("break", "午休")).not.toContain("没有及时回应");
  expect(words("ready", "missed")).not.toContain("没有及时回应");
});
