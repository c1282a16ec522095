import { flushPromises } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import type { Line } from "@/api/socket";
import { useFacingCall } from "./facingCall";

const heard: Record<string, (news: object) => void> = {};
const states: ((said: string) => void)[] = [];
const said: string[] = [];
const seats = [{ id: "s", side: "local", since: "2026-11-29T04:00:00Z", name: "", office: "", connected: true }];
const line = {
  isUp: true,
  on: (event: string, tell: (news: object) => void) => {
    heard[event] = tell;
    return () => undefined;
  },
  onState: (tell: (said: string) => void) => {
    states.push(tell);
    return () => undefined;
  },
  send: async (event: string) => {
    said.push(event);
    return { id: "call", seats, my_seat: "c", topology: "direct", state: "connected", ice_servers: [] };
  },
} as unknown as Line;
const taken = () => said.filter((event) => event === "seat.taken").length;

afterEach(() => vi.unstubAllGlobals());

test("a screen whose call another window shows says so, and takes it back only when it is asked to", async () => {
  vi.stubGlobal("fetch", async () => new Response("{}"));
  const call = useFacingCall(line);
  call.join("call");
  await flushPromises();
  expect([taken(), call.isElsewhere.value]).toEqual([1, false]);
  heard["seat.lost"]!({ call_id: "call" });
  expect(call.isElsewhere.value).toBe(true);
  // Neither a look at how things are nor a new connection fights the other window for the seat.
  call.join("call");
  for (const tell of states) tell("up");
  await flushPromises();
  expect(taken()).toBe(1);
  call.takeBack();
  await flushPromises();
  expect([taken(), call.isElsewhere.value]).toEqual([2, false]);
  call.leave();
});
