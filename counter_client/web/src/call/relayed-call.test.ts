import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Call } from "@/api/shapes";
import { CallSession } from "./call";
import type { RemoteStream } from "./end";
import { callOf, FakeConnection, fakeStream, fakeTrack, settled } from "./fake";
import { beginRush, endRush } from "./rush";

let made: FakeConnection[];
let session: CallSession;

afterEach(() => session.close());

const arrive = (at: number, stream: MediaStream) => made[at]?.ontrack?.({ streams: [stream] });

/** A relay that does what the test says. */
class FakeRelay {
  state = "connecting";
  legId: string | null = "leg1";
  streams: RemoteStream[] = [];
  connection = new FakeConnection("leg") as unknown as RTCPeerConnection;
  readonly shared = new Map<string, MediaStream | null>();
  private readonly listeners = new Map<string, () => void>();

  on(event: string, tell: () => void): () => void {
    this.listeners.set(event, tell);
    return () => this.listeners.delete(event);
  }
  streamsOf = (callId: string) => (callId === "call" ? this.streams : []);
  share = (kind: string, stream: MediaStream | null) => void this.shared.set(kind, stream);
  bring = () => undefined;
  ease = () => undefined;
  resumed = 0;
  resume = () => void (this.resumed += 1);

  /** Another state, other streams or another leg, and word of it. */
  become(now: Partial<Pick<FakeRelay, "state" | "legId" | "streams">>): void {
    Object.assign(this, now);
    for (const event of ["leg", "streams", "state"]) this.listeners.get(event)?.();
  }
}

describe("a call that a relay carries", () => {
  let relay: FakeRelay;
  let moved: string[];
  let efforts: string[];
  let states: string[];
  const relayed = (more: Parameters<typeof callOf>[0] = {}): Call => ({ ...callOf(more), topology: "relay", ends: [] });
  const face = (): RemoteStream => ({ seat: "far", kind: "camera", stream: fakeStream("far:camera") });
  const [first, second] = [face(), face()];

  beforeEach(() => {
    made = [];
    relay = new FakeRelay();
    moved = [];
    efforts = [];
    states = [];
    session = new CallSession({
      send: () => undefined,
      relay: relay as never,
      move: async (id) => void moved.push(id),
      connect: () => {
        const fake = new FakeConnection(`c${made.length}`);
        made.push(fake);
        return fake as unknown as RTCPeerConnection;
      },
    });
    session.on("effort", (effort) => efforts.push(effort));
    session.on("state", (state) => states.push(state));
  });

  it("has the leg's streams and state, and no connection of its own", () => {
    session.update(relayed());
    relay.become({ state: "connected" });
    expect(states).toEqual([]);
    relay.become({ streams: [first] });
    expect(states).toEqual(["connected"]);
    expect(session.remote).toEqual([first]);
    expect(session.connection).toBe(relay.connection);
    expect(made).toHaveLength(0);
  });

  it("sends before the Call is known, and to nobody once it is direct", () => {
    const stream = fakeStream("x", fakeTrack("video"));
    session.share("camera", stream);
    expect(relay.shared.get("camera")).toBe(stream);
    session.update(callOf());
    expect(relay.shared.get("camera")).toBeNull();
    expect(made[0]?.senders).toHaveLength(1);
  });

  it("takes its pictures from the relay when it is over", () => {
    session.share("camera", fakeStream("x", fakeTrack("video")));
    session.update(relayed());
    relay.become({ state: "connected", streams: [first] });
    session.close();
    expect(relay.shared.get("camera")).toBeNull();
    expect(session.remote).toEqual([]);
  });

  it("moves its seat to another leg once, and not to the one that it is on", async () => {
    session.update({ ...relayed(), my_leg: "leg1" });
    expect(moved).toEqual([]);
    relay.become({ legId: "leg2" });
    relay.become({ legId: "leg2" });
    expect(moved).toEqual(["leg2"]);
    await settled();
    session.update({ ...relayed(), my_leg: "leg2" });
    expect(moved).toEqual(["leg2"]);
  });

  it("tries again to move its seat when that was not heard", async () => {
    session.update({ ...relayed(), my_leg: "leg1" });
    relay.become({ legId: "leg2" });
    await settled();
    session.update({ ...relayed(), my_leg: "leg1" });
    expect(moved).toEqual(["leg2", "leg2"]);
  });

  it("shows the last of a camera until it comes again, and says what is tried", () => {
    session.update(relayed());
    relay.become({ state: "connected", streams: [first] });
    relay.become({ state: "connected", streams: [] });
    expect(session.remote).toEqual([first]);
    expect(efforts.at(-1)).toBe("waiting");
    relay.become({ state: "interrupted" });
    expect(efforts.at(-1)).toBe("rerouting");
    relay.become({ state: "connected", streams: [second] });
    expect(session.remote).toEqual([second]);
    expect(efforts.at(-1)).toBe("none");
    expect(states).toEqual(["connected", "interrupted", "connected"]);
  });

  it("lets go of a screen at once", () => {
    session.update(relayed());
    relay.become({ state: "connected", streams: [first, { ...second, kind: "screen" }] });
    relay.become({ streams: [first] });
    expect(session.remote).toEqual([first]);
  });

  it("looks for a relay whenever it hears of a call that has none, but for its beginning", async () => {
    const looks = async (call: Call) => {
      session.update(call);
      await settled();
      return relay.resumed;
    };
    relay.become({ state: "connected" });
    expect(await looks(callOf())).toBe(0);
    relay.become({ state: "none" });
    expect(await looks(callOf())).toBe(1);
    expect(await looks(relayed())).toBe(1);
    beginRush();
    expect([await looks(callOf()), await looks(callOf())]).toEqual([1, 1]);
    endRush();
    await settled();
    expect(relay.resumed).toBe(2);
  });

  it("goes on directly when there is no relay any more, and back, and always shows a picture", () => {
    session.share("camera", fakeStream("x", fakeTrack("video")));
    session.update(relayed());
    relay.become({ state: "connected", streams: [first] });
    relay.become({ state: "none", streams: [] });

    session.update({ ...callOf(), topology: "direct" });
    expect(efforts.at(-1)).toBe("direct");
    expect(session.remote).toEqual([first]);
    const direct = fakeStream("far:camera");
    arrive(0, direct);
    made[0]?.become("connected");
    expect(session.remote.map((one) => one.stream)).toEqual([direct]);
    expect(session.connection).toBe(made[0]);
    expect(efforts.at(-1)).toBe("none");

    session.update(relayed());
    expect(made[0]?.closed).toBe(false);
    expect(session.remote.map((one) => one.stream)).toEqual([direct]);
    relay.become({ state: "connected", streams: [second] });
    expect(session.remote).toEqual([second]);
    expect(made[0]?.closed).toBe(true);
    expect(relay.shared.get("camera")).not.toBeNull();
  });
});
