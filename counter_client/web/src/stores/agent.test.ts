import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, it, vi } from "vitest";
import type { Heard } from "../api/notices";
import type { Agent, Me, Offer } from "../api/shapes";
import { useAgent } from "./agent";
import { useLine } from "./line";
import { useMe } from "./me";

const offer = (id: string) => ({ id, item_name: "养老保险" }) as Offer;
const standing = (more: Partial<Agent> = {}) =>
  ({ state: "ready", offer: null, call_id: null, ...more }) as Agent;

/** A line that the test speaks on. */
function fakeLine() {
  const tells = new Map<string, (object: unknown) => void>();
  let state: (now: string) => void = () => undefined;
  const line = {
    isUp: true,
    on: (event: string, tell: (object: unknown) => void) => tells.set(event, tell),
    onState: (tell: (now: string) => void) => (state = tell),
    open: () => undefined,
    close: () => undefined,
    send: vi.fn().mockResolvedValue(null),
  };
  return {
    line: line as never,
    say: <E extends keyof Heard>(event: E, object: Heard[E]) => tells.get(event)?.(object),
    state: (now: string) => state(now),
  };
}

let answers: Record<string, unknown>;
let asked: string[];

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  answers = { "/api/agent": standing(), "/api/queue": { version: 1, waiting: [], agents_ready: 1 } };
  asked = [];
  vi.stubGlobal("fetch", async (path: string) => {
    asked.push(path);
    return Response.json({ data: answers[path] ?? null, error: null, request_id: "" });
  });
  useMe().me = { clerk: { id: "c", roles: ["agent"] } } as unknown as Me;
});

it("shows an offer that is made, and takes it away when it is closed", () => {
  const fake = fakeLine();
  const agent = useAgent();
  useLine().open(() => undefined, fake.line);
  fake.say("offer.made", offer("1"));
  expect(agent.offer?.id).toBe("1");
  fake.say("offer.closed", { id: "1", why: "missed" });
  expect(agent.offer).toBeNull();
  expect(agent.lastClosed).toBe("missed");
});

it("does not ring for an offer whose end came before it", () => {
  const fake = fakeLine();
  const agent = useAgent();
  useLine().open(() => undefined, fake.line);
  fake.say("offer.closed", { id: "1", why: "withdrawn" });
  fake.say("offer.made", offer("1"));
  expect(agent.offer).toBeNull();
});

it("finds an offer whose notice was lost within fifteen seconds", async () => {
  const agent = useAgent();
  answers["/api/agent"] = standing({ state: "offered", offer: offer("2") });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(agent.offer?.id).toBe("2");
});

it("asks for its standing and the line again after every reconnection", async () => {
  const fake = fakeLine();
  useAgent();
  useLine().open(() => undefined, fake.line);
  fake.state("up");
  await vi.advanceTimersByTimeAsync(10);
  fake.state("down");
  fake.state("up");
  await vi.advanceTimersByTimeAsync(10);
  expect(asked.filter((path) => path === "/api/queue")).toHaveLength(2);
  expect(asked.filter((path) => path === "/api/agent")).toHaveLength(2);
});

it("asks for the line again only when its version differs", async () => {
  const fake = fakeLine();
  const agent = useAgent();
  useLine().open(() => undefined, fake.line);
  await agent.loadQueue();
  asked = [];
  fake.say("queue.changed", { region: "341522", version: 1 });
  fake.say("queue.changed", { region: "341522", version: 2 });
  await vi.advanceTimersByTimeAsync(10);
  expect(asked).toEqual(["/api/queue"]);
});
