import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "@/api/errors";
import type { Heard, OpenedLeg } from "@/api/notices";
import { FakeConnection, fakeStream, FakeStream, fakeTrack, settled } from "./fake";
import { BROKEN_AFTER } from "./leg";
import { CALM, NONE_AGAIN_AFTER, Relay, TAKES_OVER_AFTER, WAITS } from "./relay";

type Answer = OpenedLeg | null | ApiError | "present";

let made: FakeConnection[];
let asked: { near: unknown; leg_id: string | null }[];
/** How often another leg beside the one that is was asked for. */
let others: number;
let closed: string[];
let answers: Answer[];
let heard: Partial<Record<keyof Heard, (object: never) => void>>;
let relay: Relay;

const opened = (id: string): OpenedLeg => ({ leg_id: id, ice_servers: [] });

/** What comes next of the answers that a test prepared; else always another leg. */
function next(present: string | null): OpenedLeg | null {
  const answer = answers.length > 0 ? answers.shift() : opened(`leg${asked.length}`);
  if (answer instanceof ApiError) throw answer;
  if (answer === "present" && present !== null) return opened(present);
  return answer as OpenedLeg | null;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("MediaStream", FakeStream);
  made = [];
  asked = [];
  others = 0;
  closed = [];
  answers = [];
  heard = {};
  relay = new Relay({
    sends: true,
    connect: () => {
      const fake = new FakeConnection(`c${made.length}`);
      made.push(fake);
      return fake as unknown as RTCPeerConnection;
    },
    say: (async (event: string, object: never) => {
      if (event === "leg.closed") closed.push((object as { leg_id: string }).leg_id);
      if (event !== "leg.opened") return null;
      const { near, leg_id, another } = object as { near: object | null; leg_id: string | null; another: boolean };
      if (another) others += 1;
      const aim = near && Object.fromEntries(Object.entries(near).filter(([, id]) => id !== null));
      asked.push({ near: aim, leg_id });
      return next((object as { leg_id: string | null }).leg_id);
    }) as never,
  });
  relay.follow((event, tell) => (heard[event] = tell as never));
});
afterEach(() => {
  relay.release();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const hear = <E extends keyof Heard>(event: E, object: Heard[E]) => (heard[event] as (said: Heard[E]) => void)(object);

/** Have the relay answer a leg's offer and connect. */
async function connect(id: string): Promise<void> {
  await settled();
  hear("leg.answered", { leg_id: id, n: 1, sdp: "answer" });
  await settled();
  made.at(-1)?.become("connected");
}

/** The other seat's camera comes into a leg. */
function show(id: string): void {
  const streams = [{ mid: "3", seat_id: "far", kind: "camera" as const }];
  hear("streams.mapped", { leg_id: id, call_id: "call", streams });
}

async function inCall(): Promise<void> {
  relay.want({ call_id: "call" });
  await connect("leg1");
  show("leg1");
}

const picture = () => relay.streamsOf("call")[0]?.stream;

it("opens a leg for what is near, and asks again only when something else is", async () => {
  relay.want({ case_id: "k" });
  relay.want({ case_id: "k" });
  await connect("leg1");
  expect(relay.state).toBe("connected");
  answers = ["present"];
  relay.want({ call_id: "c" });
  await settled();
  expect(asked).toEqual([
    { near: { case_id: "k" }, leg_id: null },
    { near: { call_id: "c" }, leg_id: "leg1" },
  ]);
  expect(made).toHaveLength(1);
});

it("moves to another relay where the call is, and keeps its leg until then", async () => {
  const legs: (string | null)[] = [];
  relay.on("leg", (id) => legs.push(id));
  relay.want(null);
  await connect("leg1");
  relay.want({ offer_id: "o" });
  await settled();
  expect(relay.legId).toBe("leg1");
  expect(closed).toEqual([]);
  await connect("leg2");
  expect(legs).toEqual(["leg1", "leg2"]);
  expect(closed).toEqual(["leg1"]);
  expect(made.map((one) => one.closed)).toEqual([true, false]);
});

it("sends over the next leg, too, what the line carries", async () => {
  relay.share("camera", fakeStream("x", fakeTrack("video")));
  await inCall();
  relay.ease("voice");
  made[0]?.become("failed");
  await vi.advanceTimersByTimeAsync(1);
  await settled();
  const sending = made.map((one) => one.senders[0]?.limits.encodings?.[0]?.active);
  expect(sending).toEqual([false, false]);
});

it.each<[string, () => unknown]>([
  ["the service says that it is lost", () => hear("leg.lost", { leg_id: "leg1", reason: "worker_lost" })],
  ["its connection fails", () => made[0]?.become("failed")],
  ["its connection stays cut", async () => {
    made[0]?.become("disconnected");
    await vi.advanceTimersByTimeAsync(BROKEN_AFTER);
  }],
])("opens another leg when %s, and shows the last picture until that one has it", async (_, happens) => {
  await inCall();
  const last = picture();
  await happens();
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toHaveLength(2);
  expect(relay.state).toBe("interrupted");
  expect(picture()).toBe(last);
  await connect("leg2");
  expect(picture()).toBe(last);
  expect(made[0]?.closed).toBe(false);
  show("leg2");
  expect(picture()).not.toBe(last);
  expect(picture()).toBeDefined();
  expect(made[0]?.closed).toBe(true);
});

/** A call whose network has changed, with another leg under way. */
async function changed(): Promise<MediaStream | undefined> {
  await inCall();
  await vi.advanceTimersByTimeAsync(CALM);
  const last = picture();
  relay.renew();
  await vi.advanceTimersByTimeAsync(1);
  expect(asked.at(-1)).toEqual({ near: { call_id: "call" }, leg_id: "leg1" });
  return last;
}

it("opens another leg when the network has changed, and keeps the old one until that one carries media", async () => {
  const last = await changed();
  expect(others).toBe(1);
  expect([relay.state, relay.legId]).toEqual(["connected", "leg1"]);
  expect([closed, made[0]?.closed, picture()]).toEqual([[], false, last]);
  await connect("leg2");
  expect(relay.legId).toBe("leg2");
  expect(picture()).toBe(last);
  show("leg2");
  expect(picture()).not.toBe(last);
  expect(closed).toEqual(["leg1"]);
});

it("stays on the old leg where the new network does not bear one", async () => {
  const last = await changed();
  answers = [opened("leg1")];
  made[1]?.become("failed");
  await vi.advanceTimersByTimeAsync(1);
  expect([relay.state, relay.legId, picture()]).toEqual(["connected", "leg1", last]);
  expect([closed, made.length, made[0]?.closed]).toEqual([["leg2"], 2, false]);
  made[0]?.become("failed");
  await vi.advanceTimersByTimeAsync(WAITS[1]);
  expect(made).toHaveLength(3);
  expect(others).toBe(1);
});

it("is on the new leg at once where the old network is gone", async () => {
  await changed();
  made[0]?.become("failed");
  expect([relay.state, relay.legId]).toEqual(["interrupted", "leg2"]);
  await connect("leg2");
  expect(relay.state).toBe("connected");
});

it("shows what the old leg of a call showed until the new one has something, but not for ever", async () => {
  await inCall();
  const last = picture();
  relay.want({ offer_id: "elsewhere" });
  await settled();
  expect([relay.state, relay.legId]).toEqual(["connected", "leg1"]);
  await connect("leg2");
  expect(relay.legId).toBe("leg2");
  hear("streams.mapped", { leg_id: "leg1", call_id: "call", streams: [] });
  expect(picture()).toBe(last);
  await vi.advanceTimersByTimeAsync(TAKES_OVER_AFTER);
  expect(picture()).toBeUndefined();
  expect(closed).toEqual(["leg1"]);
});

it("does not take a broken leg back", async () => {
  await inCall();
  answers = [opened("leg1")];
  made[0]?.become("failed");
  await vi.advanceTimersByTimeAsync(WAITS[1]);
  expect(asked).toHaveLength(3);
  expect(made).toHaveLength(2);
});

it("does not seek another leg again while one has only just been opened", async () => {
  await inCall();
  relay.renew();
  await settled();
  expect(asked).toHaveLength(1);
});

it("keeps the picture through several legs that never come about", async () => {
  await inCall();
  const last = picture();
  hear("leg.lost", { leg_id: "leg1", reason: "worker_lost" });
  for (const id of ["leg2", "leg3"]) {
    await vi.advanceTimersByTimeAsync(WAITS[2]);
    hear("leg.lost", { leg_id: id, reason: "worker_lost" });
  }
  await vi.advanceTimersByTimeAsync(WAITS[3]);
  expect(picture()).toBe(last);
  await connect("leg4");
  show("leg4");
  expect(picture()).not.toBe(last);
  expect(made.map((one) => one.closed)).toEqual([true, true, true, false]);
});

it("asks ever more slowly while every leg is lost", async () => {
  relay.want(null);
  await settled();
  for (let lost = 1; lost < 40; lost++) {
    hear("leg.lost", { leg_id: `leg${asked.length}`, reason: "worker_lost" });
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(asked.length).toBeLessThanOrEqual(8);
});

it("begins without a wait again after a calm time", async () => {
  relay.want(null);
  for (const id of ["leg1", "leg2", "leg3"]) {
    await vi.advanceTimersByTimeAsync(WAITS[1]);
    await connect(id);
    if (id !== "leg3") hear("leg.lost", { leg_id: id, reason: "worker_lost" });
  }
  await vi.advanceTimersByTimeAsync(CALM);
  hear("leg.lost", { leg_id: "leg3", reason: "worker_lost" });
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toHaveLength(4);
});

it("says that no relay can take it, and asks now and then", async () => {
  answers = [null];
  relay.want(null);
  await settled();
  expect([relay.state, relay.legId]).toEqual(["none", null]);
  await vi.advanceTimersByTimeAsync(NONE_AGAIN_AFTER);
  await connect("leg2");
  expect(relay.state).toBe("connected");
});

it("keeps the last picture where no relay is left", async () => {
  await inCall();
  const last = picture();
  answers = [null];
  hear("leg.lost", { leg_id: "leg1", reason: "worker_lost" });
  await vi.advanceTimersByTimeAsync(0);
  expect(relay.state).toBe("none");
  expect(picture()).toBe(last);
  expect(made[0]?.closed).toBe(false);
});

it("asks again by itself after a refusal, and at once when the socket is there again", async () => {
  answers = [new ApiError("network.lost", 0), new ApiError("case.unknown", 404)];
  relay.want({ case_id: "k" });
  await vi.advanceTimersByTimeAsync(WAITS[0]);
  expect(asked).toHaveLength(2);
  relay.resume();
  await settled();
  expect(asked).toHaveLength(3);
  expect(made).toHaveLength(1);
});

it("goes on with its leg when the socket is there again", async () => {
  await inCall();
  answers = ["present"];
  relay.resume();
  await settled();
  expect(asked.at(-1)?.leg_id).toBe("leg1");
  expect(made).toHaveLength(1);
  expect(picture()).toBeDefined();
});

it("closes a leg that comes when it is needed no more", async () => {
  relay.want(null);
  relay.release();
  await settled();
  expect(closed).toEqual(["leg1"]);
  expect(made).toHaveLength(0);
  expect(relay.state).toBe("closed");
});

it("sends what is shared on every leg that follows", async () => {
  const track = fakeTrack("video");
  relay.want(null);
  await connect("leg1");
  relay.share("camera", fakeStream("x", track));
  await settled();
  relay.want({ offer_id: "o" });
  await settled();
  expect(made.map((one) => one.transceivers[1]?.sender.track)).toEqual([track, track]);
  relay.share("camera", null);
  await settled();
  expect(made.map((one) => one.transceivers[1]?.sender.track)).toEqual([null, null]);
});

it("is ready on every leg for what it expects, until that is closed", async () => {
  const bound = () => made.at(-1)?.transceivers[1]?.sender.limits.encodings?.[0]?.scaleResolutionDownBy !== undefined;
  relay.expect("camera", fakeStream("x", fakeTrack("video")));
  relay.want(null);
  await connect("leg1");
  expect(bound()).toBe(true);
  relay.expect("camera", null);
  relay.want({ offer_id: "o" });
  await settled();
  expect([made.length, bound()]).toEqual([2, false]);
});

it("shows nothing of another call", async () => {
  await inCall();
  expect(relay.streamsOf("another")).toEqual([]);
});
