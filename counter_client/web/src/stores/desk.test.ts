import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Heard } from "@/api/notices";
import type { Line } from "@/api/socket";
import type { Event } from "@/api/shapes";
import { useDesk } from "./desk";
import { useLine } from "./line";
import { useMe } from "./me";

const ID = "c".repeat(32);

/** What the service would answer: one case, its fields and its log. */
class Service {
  events: Event[] = [];
  fields = [{ name: "months", value: null as string | null, masked: false, version: 0, by: null as string | null, at: null }];
  state = "in_call";
  certificates: object[] = [];
  ticket: object | null = null;
  asked: string[] = [];
  lost = false;
  /** What the next question about the call waits for. */
  held: Promise<void> | null = null;

  append(kind: string, data: Record<string, unknown> = {}, actor = "other"): Event {
    const event = {
      seq: this.events.length + 1, at: "2026-11-22T04:00:00Z", kind, data,
      actor: { kind: "staff", id: actor, name: actor, region: "320509" },
    } as Event;
    this.events.push(event);
    return event;
  }

  write(value: string, actor = "other"): Event {
    const field = this.fields[0]!;
    Object.assign(field, { value, version: field.version + 1, by: actor });
    return this.append("field.changed", { ...field }, actor);
  }

  answer(url: string): unknown {
    const { pathname, searchParams } = new URL(url, "http://kuayu.test");
    if (pathname === "/api/items") return { items: [] };
    if (pathname === "/api/regions") return { regions: [] };
    if (pathname === "/api/me") return { clerk: { id: "me", roles: ["agent"] }, server_time: new Date().toISOString() };
    if (pathname.endsWith("/events")) {
      const after = Number(searchParams.get("after"));
      return { events: this.events.slice(after, after + 500), seq: this.events.length };
    }
    if (pathname.endsWith("/ticket")) return this.ticket;
    if (pathname.endsWith("/call")) return null;
    if (pathname.endsWith("/certificates")) return { certificates: this.certificates };
    return {
      id: ID, seq: this.events.length, state: this.state, fields: structuredClone(this.fields),
      item: { code: "a", version: "1", name: "事项" }, materials: [], checks: [],
    };
  }

  fetch = async (url: string) => {
    this.asked.push(url);
    if (this.lost) throw new TypeError("no network");
    if (this.held !== null && url.endsWith("/call")) {
      const held = this.held;
      this.held = null;
      await held;
    }
    return new Response(JSON.stringify({ data: this.answer(url), error: null, request_id: "r" }));
  };
}

/** A line whose news the test tells. */
class FakeLine {
  isUp = true;
  private readonly tells = new Map<string, (object: unknown) => void>();
  private state: (state: "up" | "down") => void = () => undefined;
  on(event: string, tell: (object: unknown) => void) {
    this.tells.set(event, tell);
    return () => undefined;
  }
  onState(tell: (state: "up" | "down" | "refused") => void) {
    this.state = tell;
    return () => undefined;
  }
  open() {
    this.state("up");
  }
  close() {}
  send = vi.fn(async () => ({ seq: 0 }));
  tell<E extends keyof Heard>(event: E, object: Heard[E]) {
    this.tells.get(event)?.(object);
  }
  comeBack() {
    this.state("down");
    this.state("up");
  }
}

let service: Service;
let line: FakeLine;

beforeEach(async () => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  service = new Service();
  service.append("case.opened");
  vi.stubGlobal("fetch", service.fetch);
  line = new FakeLine();
  await useMe().load();
  useLine().open(() => undefined, line as unknown as Line);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function opened() {
  const desk = useDesk();
  await desk.open(ID);
  return desk;
}

const settled = () => vi.advanceTimersByTimeAsync(0);

test("a case that is open again shows the certificate that was revoked", async () => {
  service.certificates = [{ id: "z", state: "revoked" }];
  const desk = await opened();
  expect(desk.certificates.map((one) => one.state)).toEqual(["revoked"]);
});

test("a case is opened with its whole log, over several pages", async () => {
  for (let i = 0; i < 700; i += 1) service.append("value.revealed");
  const desk = await opened();
  expect(desk.events.map((event) => event.seq)).toEqual(service.events.map((event) => event.seq));
});

test("a notice makes the desk ask for the events since the last it knows", async () => {
  const desk = await opened();
  service.asked = [];
  const event = service.write("120");
  line.tell("case.changed", { case_id: ID, seq: event.seq, kind: event.kind });
  await settled();
  expect(desk.shown!.fields[0]!.value).toBe("120");
  expect(service.asked).toContain(`/api/cases/${ID}/events?after=1`);
});

test("what the other side changes flashes for a moment, what I change does not", async () => {
  const desk = await opened();
  service.write("1", "me");
  await desk.catchUp();
  expect(desk.flashing).toEqual({});
  service.write("2");
  await desk.catchUp();
  expect(Object.keys(desk.flashing)).toEqual(["months"]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(desk.flashing).toEqual({});
});

test("a doubled or late notice asks for nothing", async () => {
  await opened();
  service.asked = [];
  line.tell("case.changed", { case_id: ID, seq: 1, kind: "case.opened" });
  line.tell("case.changed", { case_id: "d".repeat(32), seq: 99, kind: "case.opened" });
  await settled();
  expect(service.asked).toEqual([]);
});

test("a lost notice is made good within fifteen seconds", async () => {
  const desk = await opened();
  service.write("36");
  await vi.advanceTimersByTimeAsync(15_000);
  expect(desk.shown!.fields[0]!.value).toBe("36");
});

test("after a reconnection the case is watched again and caught up with", async () => {
  const desk = await opened();
  line.send.mockClear();
  service.write("7");
  line.comeBack();
  await settled();
  expect(line.send).toHaveBeenCalledWith("case.watched", { case_id: ID });
  expect(desk.shown!.fields[0]!.value).toBe("7");
});

test("a change of state reads the whole case again", async () => {
  const desk = await opened();
  service.state = "certified";
  const event = service.append("case.settled");
  line.tell("case.changed", { case_id: ID, seq: event.seq, kind: event.kind });
  await settled();
  expect(desk.shown!.state).toBe("certified");
});

test("an answer about a case that was closed meanwhile changes nothing", async () => {
  const desk = useDesk();
  const opening = desk.open(ID);
  desk.close();
  await opening;
  expect(desk.shown).toBeNull();
  expect(desk.loading).toBe(false);
});

test("who edits a field is shown until they stop, and my own typing is not", async () => {
  const desk = await opened();
  const news = { case_id: ID, name: "months", by: { id: "other", name: "程坐席" } };
  line.tell("field.edited", { ...news, editing: true });
  expect(desk.editors.months?.name).toBe("程坐席");
  line.tell("field.edited", { ...news, editing: false });
  expect(desk.editors).toEqual({});
  line.tell("field.edited", { ...news, editing: true, by: { id: "me", name: "我" } });
  expect(desk.editors).toEqual({});
});

test("a lost network leaves the case on the desk", async () => {
  const desk = await opened();
  service.lost = true;
  const asking = desk.catchUp();
  await vi.advanceTimersByTimeAsync(5_000);
  await asking;
  expect(desk.shown).not.toBeNull();
  expect(desk.failure).toBeNull();
});

test("an answer that was overtaken does not take away what a later one brought", async () => {
  const desk = await opened();
  let release: () => void = () => undefined;
  service.held = new Promise((done) => (release = done));
  line.tell("call.changed", { case_id: ID, call_id: "x" } as never);
  await settled();
  service.state = "waiting";
  service.ticket = { id: "t", state: "waiting" };
  line.tell("case.changed", { case_id: ID, seq: service.append("call.ended").seq, kind: "call.ended" });
  await settled();
  expect(desk.ticket?.id).toBe("t");
  release();
  await settled();
  expect(desk.ticket?.id).toBe("t");
});
