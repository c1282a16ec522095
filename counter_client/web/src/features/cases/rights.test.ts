import { expect, test } from "vitest";
import type { Case, Clerk } from "@/api/shapes";
import { endingsOf } from "./endings";
import { mayEdit, mayReveal, type Standing, worksLocally, worksThere } from "./rights";

function standing(role: string, side: string, state: string, holdsSeat = false): Standing {
  return {
    me: { id: "me", roles: [role] } as unknown as Clerk,
    shown: { side, state, agent: { id: "me", name: "程坐席" } } as unknown as Case,
    holdsSeat,
  };
}

test("the counter fills its own fields in while the case is open, and no others", () => {
  const at = standing("counter", "local", "draft");
  expect(mayEdit(at, "local")).toBe(true);
  expect(mayEdit(at, "jurisdiction")).toBe(false);
  expect(worksLocally(standing("counter", "local", "certified"))).toBe(false);
});

test("an agent works on a case only with a seat in its call", () => {
  expect(worksThere(standing("agent", "jurisdiction", "in_call", true))).toBe(true);
  expect(worksThere(standing("agent", "jurisdiction", "in_call", false))).toBe(false);
});

test("an agent finishes a deferred case after the call", () => {
  expect(worksThere(standing("agent", "jurisdiction", "with_jurisdiction"))).toBe(true);
  const others = standing("agent", "jurisdiction", "with_jurisdiction");
  others.shown!.agent = { id: "another", name: "方坐席" };
  expect(worksThere(others)).toBe(false);
});

test("who works on a case may see its personal values whole, the agent without a seat may not", () => {
  expect(mayReveal(standing("agent", "jurisdiction", "in_call", true))).toBe(true);
  expect(mayReveal(standing("agent", "jurisdiction", "in_call", false))).toBe(false);
  expect(mayReveal(standing("counter", "local", "draft"))).toBe(true);
  expect(mayReveal(standing("counter", "local", "certified"))).toBe(true);
  expect(mayReveal(standing("counter", "local", "settled"))).toBe(false);
  expect(mayReveal(standing("supervisor", "jurisdiction", "in_call", true))).toBe(false);
});

test("a supervisor works on nothing", () => {
  expect(worksLocally(standing("supervisor", "local", "draft"))).toBe(false);
  expect(worksThere(standing("supervisor", "jurisdiction", "in_call", true))).toBe(false);
});

test("each side is offered its own ways to end a case", () => {
  const inCall = standing("agent", "jurisdiction", "in_call", true);
  expect(endingsOf(inCall, null, null)).toEqual(["return", "defer", "refuse"]);
  expect(endingsOf(standing("counter", "local", "draft"), null, null)).toEqual(["withdraw"]);
  expect(endingsOf(standing("counter", "local", "in_call"), null, null)).toEqual([]);
});

test("a promise is offered only where the item allows it", () => {
  const inCall = standing("agent", "jurisdiction", "in_call", true);
  const item = { promise_allowed: true } as Parameters<typeof endingsOf>[1];
  expect(endingsOf(inCall, item, null)).toContain("promise");
});
