import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Call } from "@/api/shapes";
import { type AddressedSignal, CallSession } from "./call";
import type { RemoteStream } from "./end";
import { FakeConnection, fakeStream, fakeTrack, settled } from "./fake";
import { limitsFor } from "./limits";

let made: FakeConnection[];
let sent: { to: string }[];
let session: CallSession;

beforeEach(() => {
  made = [];
  sent = [];
  session = new CallSession({
    send: (to) => sent.push({ to }),
    connect: () => {
      const fake = new FakeConnection(`c${made.length}`);
      made.push(fake);
      return fake as unknown as RTCPeerConnection;
    },
  });
});

const T0 = "2026-11-22T04:00:00.000000Z";
const T1 = "2026-11-22T04:00:09.000000Z";

afterEach(() => {
  session.close();
  vi.useRealTimers();
});

function callOf(remote: { since?: string; connected?: boolean; mine?: string } = {}): Call {
  const seat = (id: string, side: string, since: string, connected = true) => ({
    id, side, since, connected, order: 0, name: "", office: "", media_up: false,
  });
  return {
    id: "call",
    my_seat: "me",
    seats: [seat("me", "local", remote.mine ?? T0), seat("far", "remote", remote.since ?? T0, remote.connected ?? true)],
    ends: [{ seat_id: "far", polite: false }],
    ice_servers: [],
  } as unknown as Call;
}

const offer = (from = "far", callId = "call", who = "AA"): AddressedSignal => ({
  call_id: callId, from, description: { type: "offer", sdp: `x\na=fingerprint:sha-256 ${who}\n` },
});

const arrive = (at: number, stream: MediaStream) => made[at]?.ontrack?.({ streams: [stream] });

describe("a call from one seat's view", () => {
  it("meets an end once, however often it hears of it", () => {
    session.update(callOf());
    session.update(callOf());
    expect(made).toHaveLength(1);
  });

  it("meets an end anew when its seat was taken anew, or its own", () => {
    session.update(callOf());
    session.update(callOf({ since: T1 }));
    expect(made).toHaveLength(2);
    session.update(callOf({ since: T1, mine: T1 }));
    expect(made).toHaveLength(3);
  });

  it("keeps the picture of before until the new connection stands", () => {
    session.update(callOf());
    const [first, second] = [fakeStream("far:camera"), fakeStream("far:camera")];
    made[0]?.become("connected");
    arrive(0, first);
    session.update(callOf({ since: T1 }));
    arrive(1, second);
    expect(session.remote.map((one) => one.stream)).toEqual([first]);
    expect(made[0]?.closed).toBe(false);
    made[1]?.become("connected");
    expect(session.remote.map((one) => one.stream)).toEqual([second]);
    expect(made[0]?.closed).toBe(true);
  });

  it("keeps what still carries media when the next attempts fail too", () => {
    session.update(callOf());
    made[0]?.become("connected");
    session.update(callOf({ since: T1 }));
    session.update(callOf({ since: T1, mine: T1 }));
    expect(made.map((one) => one.closed)).toEqual([false, true, false]);
  });

  it("keeps an end that has lost its socket, and lets go of one that has no part any more", () => {
    session.update(callOf());
    session.update(callOf({ connected: false }));
    expect(made[0]?.closed).toBe(false);
    session.update({ ...callOf(), ends: [] });
    expect(made[0]?.closed).toBe(true);
  });

  it("stays connected whatever its guests' connections do", () => {
    const guests = ["adviser", "observer"].map((side) => ({ ...callOf().seats[1]!, id: side, side }));
    const call = callOf();
    const ends = [...call.ends, ...guests.map(({ id }) => ({ seat_id: id, polite: false }))];
    const said: string[] = [];
    session.on("state", (state) => said.push(state));
    session.update({ ...call, seats: [...call.seats, ...guests], ends } as Call);
    made[0]?.become("connected");
    expect(said).toEqual(["connected"]);
    made[1]?.become("connected");
    made[1]?.become("failed");
    session.update(callOf());
    expect(made.map((one) => one.closed)).toEqual([false, true, true]);
    expect(said).toEqual(["connected"]);
  });

  it("does not go back to a Call that is older than the one it knows", () => {
    session.update(callOf({ since: T1 }));
    session.update(callOf());
    expect(made).toHaveLength(1);
  });

  it("starts anew by itself when a description is of another connection", async () => {
    vi.useFakeTimers();
    session.update(callOf());
    await vi.advanceTimersByTimeAsync(2_000);
    session.hear(offer("far", "call", "AA"));
    session.hear(offer("far", "call", "BB"));
    await settled();
    expect(made).toHaveLength(2);
    expect(made[1]?.remoteDescription?.sdp).toContain("BB");
    // The Call that says so comes late, and changes nothing more.
    session.update(callOf({ since: T1 }));
    expect(made).toHaveLength(2);
  });

  it("starts anew once, however many descriptions of others come in one moment", async () => {
    vi.useFakeTimers();
    session.update(callOf());
    for (const who of ["AA", "BB", "CC", "DD"]) session.hear(offer("far", "call", who));
    expect(made).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(made).toHaveLength(2);
  });

  it("does not hold signals for ever when no Call comes", async () => {
    vi.useFakeTimers();
    session.update(callOf());
    session.expectChange();
    session.hear(offer());
    await vi.advanceTimersByTimeAsync(5_000);
    expect(made[0]?.remoteDescription?.type).toBe("offer");
  });

  it("does not meet a seat that holds no socket", () => {
    session.update(callOf({ connected: false }));
    expect(made).toHaveLength(0);
  });

  it("sends what is shared to ends that come later, and to those that were there", async () => {
    session.share("camera", fakeStream("x", fakeTrack("video"), fakeTrack("audio")));
    session.update(callOf());
    session.share("screen", fakeStream("y", fakeTrack("video")));
    await settled();
    expect(made[0]?.senders).toHaveLength(3);
    session.share("screen", null);
    expect(made[0]?.senders).toHaveLength(2);
    expect(sent.length).toBeGreaterThan(0);
  });

  it("shares a screen again and again in the section of the first time", async () => {
    session.update(callOf());
    for (let time = 0; time < 9; time++) {
      session.share("screen", fakeStream(`screen ${time}`, fakeTrack("video")));
      await settled();
      expect(made[0]?.senders).toHaveLength(1);
      expect(made[0]?.transceivers[0]?.direction).toBe("sendrecv");
      session.share("screen", null);
      await settled();
      expect(made[0]?.senders).toHaveLength(0);
    }
    expect(made[0]?.transceivers).toHaveLength(1);
  });

  it("holds signals while the call is about to change", async () => {
    session.update(callOf());
    session.expectChange();
    session.hear(offer());
    await settled();
    expect(made[0]?.remoteDescription).toBeNull();
    session.update(callOf({ since: T1 }));
    await settled();
    expect(made[0]?.remoteDescription).toBeNull();
    expect(made[1]?.remoteDescription?.type).toBe("offer");
  });

  it("drops signals of another call and of nobody's seat", async () => {
    session.update(callOf());
    session.hear(offer("far", "another"));
    session.hear(offer("nobody"));
    await settled();
    expect(made[0]?.remoteDescription).toBeNull();
  });

  it("exchanges a camera for another without negotiating", async () => {
    session.update(callOf());
    const [before, later] = [fakeTrack("video"), fakeTrack("video")];
    session.share("camera", fakeStream("x", before));
    await settled();
    const offers = sent.length;
    session.share("camera", fakeStream("z", later));
    await settled();
    expect(made[0]?.senders.map((one) => one.track)).toEqual([later]);
    expect(made[0]?.senders[0]?.limits.encodings?.[0]?.scaleResolutionDownBy).toBe(3);
    expect(sent.length).toBe(offers);
  });

  it("sends what the line carries over every connection, those to come as well", async () => {
    const sending = (at: number) => made[at]?.senders.map((one) => one.limits.encodings?.[0]?.active);
    session.update(callOf());
    session.share("camera", fakeStream("x", fakeTrack("video"), fakeTrack("audio")));
    session.ease("voice");
    await settled();
    // The voice has no bounds.
    expect(sending(0)).toEqual([false, undefined]);
    session.update(callOf({ since: T1 }));
    await settled();
    expect(sending(1)).toEqual([false, undefined]);
    session.ease("full");
    await settled();
    expect([sending(0), sending(1)]).toEqual([[true, undefined], [true, undefined]]);
  });

  it("says whose stream came and went, by the end that it came from", () => {
    const seen: string[][] = [];
    session.on("remote", (all) => seen.push(all.map((one) => `${one.seat}:${one.kind}`)));
    session.update(callOf());
    made[0]?.ontrack?.({ streams: [fakeStream("far:screen", fakeTrack("video"))] });
    made[0]?.ontrack?.({ streams: [fakeStream("me:camera", fakeTrack("video"))] });
    expect(seen.at(-1)).toEqual(["far:screen", "far:camera"]);
    session.close();
    expect(session.remote).toEqual([]);
  });

  it("keeps a stream whose namesake's end is told of late", () => {
    session.update(callOf());
    const [old, now] = [fakeStream("far:screen"), fakeStream("far:screen", fakeTrack("video"))];
    arrive(0, old);
    arrive(0, now);
    old.onremovetrack?.(new Event("removetrack") as MediaStreamTrackEvent);
    expect(session.remote.map((one) => one.stream)).toEqual([now]);
    expect(session.remote).toHaveLength(1);
  });

  it("says again that it is connected when its seat was taken anew", () => {
    const said: string[] = [];
    session.on("state", (state) => said.push(state));
    session.update(callOf());
    made[0]?.become("connected");
    session.update(callOf({ mine: T1 }));
    expect(said).toEqual(["connected", "connected"]);
  });

  it("is connected when its ends are, and never interrupted before that", () => {
    const said: string[] = [];
    session.on("state", (state) => said.push(state));
    session.update(callOf());
    expect(said).toEqual([]);
    made[0]?.become("connected");
    made[0]?.become("disconnected");
    made[0]?.become("connected");
    expect(said).toEqual(["connected", "interrupted", "connected"]);
  });
});

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
    relay = new FakeRelay();
    moved = [];
    efforts = [];
    states = [];
    session = new CallSession({
      send: (to) => sent.push({ to }),
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

  it("looks for a relay whenever it hears of a call that has none", () => {
    relay.become({ state: "connected" });
    session.update(callOf());
    expect(relay.resumed).toBe(0);
    relay.become({ state: "none" });
    session.update(callOf());
    expect(relay.resumed).toBe(1);
    session.update(relayed());
    expect(relay.resumed).toBe(1);
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

describe("what a sender may use", () => {
  it("scales a large camera down", () => {
    expect(limitsFor("camera", fakeTrack("video")).scaleDownBy).toBe(3);
  });

  it("never scales a small one up", () => {
    const small = { kind: "video", getSettings: () => ({ height: 480 }) } as unknown as MediaStreamTrack;
    expect(limitsFor("camera", small).scaleDownBy).toBe(1);
  });

  it("is less of a face on a poor line, and all of a page at fewer pictures a second", () => {
    const track = fakeTrack("video");
    const [face, less] = [limitsFor("camera", track), limitsFor("camera", track, "reduced")];
    expect(less.scaleDownBy).toBeGreaterThan(face.scaleDownBy);
    expect(less.maxFramerate).toBeLessThan(face.maxFramerate);
    const [page, slow] = [limitsFor("document", track), limitsFor("document", track, "reduced")];
    expect(slow.scaleDownBy).toBe(page.scaleDownBy);
    expect(slow.maxFramerate).toBeLessThan(page.maxFramerate);
    expect([face, less, limitsFor("document", track, "voice")].map((one) => one.active)).toEqual([true, true, false]);
  });
});
