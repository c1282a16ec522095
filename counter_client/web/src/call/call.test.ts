import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Call } from "@/api/shapes";
import { type AddressedSignal, CallSession, OPENING_LASTS } from "./call";
import { FRESH } from "./end";
import { callOf, FakeConnection, fakeStream, fakeTrack, settled, T0, T1 } from "./fake";
import { PATIENCE } from "./peer";

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

afterEach(() => {
  session.close();
  vi.useRealTimers();
});

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

  it("does not meet a seat that holds no socket any more", () => {
    session.update({ ...callOf({ connected: false }), connected_at: T0 });
    expect(made).toHaveLength(0);
  });

  it("has its offer ready for a seat that is not taken yet, and makes it when that is", async () => {
    session.share("camera", fakeStream("x", fakeTrack("video"), fakeTrack("audio")));
    session.update(callOf({ connected: false }));
    session.update(callOf({ connected: false }));
    await settled();
    expect(made.map((one) => one.localDescription?.type)).toEqual(["offer"]);
    expect(sent).toEqual([]);
    session.update(callOf({ since: T1 }));
    await settled();
    expect(made).toHaveLength(1);
    expect(sent).toEqual([{ to: "far" }]);
  });

  it.each(["before", "after"])("makes it as soon as both seats are taken, the other's %s its own", async (heard) => {
    const begun = callOf({ connected: false });
    session.share("camera", fakeStream("x", fakeTrack("video")));
    session.begin({ ...begun, seats: begun.seats.map((seat) => ({ ...seat, connected: false })) });
    await settled();
    expect([made[0]?.localDescription?.type, sent.length]).toEqual(["offer", 0]);
    if (heard === "before") session.hearTaken("far", T1);
    expect(sent).toEqual([]);
    session.update(callOf({ connected: false, mine: T1 }));
    if (heard === "after") session.hearTaken("far", T1);
    expect(sent).toEqual([{ to: "far" }]);
    session.update(callOf({ since: T1, mine: T1 }));
    await settled();
    expect([made.length, sent.length]).toEqual([1, 1]);
  });

  it("does not go back to the epoch of a Call that is older than the notice", async () => {
    session.update(callOf());
    session.hearTaken("far", T1);
    expect(made).toHaveLength(2);
    session.update(callOf());
    session.update(callOf({ since: T1 }));
    expect(made).toHaveLength(2);
  });

  it("offers after all, although it is polite, to one who has come and has nothing to offer", async () => {
    vi.useFakeTimers();
    const polite = (call: Call) => ({ ...call, ends: [{ seat_id: "far", polite: true }] });
    session.share("camera", fakeStream("x", fakeTrack("video")));
    session.update(polite(callOf({ connected: false })));
    await vi.advanceTimersByTimeAsync(2 * PATIENCE);
    expect([sent, made[0]?.localDescription]).toEqual([[], null]);
    session.update(polite(callOf({ since: T1 })));
    await vi.advanceTimersByTimeAsync(PATIENCE);
    expect(sent).toEqual([{ to: "far" }]);
  });

  it("says nothing of its ways before there is somebody, and then all of them", async () => {
    session.share("camera", fakeStream("x", fakeTrack("video")));
    session.update(callOf({ connected: false }));
    await settled();
    made[0]?.onicecandidate?.({ candidate: null });
    Object.assign(made[0]!, { iceGatheringState: "complete" });
    expect(sent).toEqual([]);
    session.update(callOf({ since: T1 }));
    // Its offer, in which its candidates stand, and that these are all.
    expect(sent).toHaveLength(2);
  });

  it("makes anew what was ready long ago, or on another network", async () => {
    vi.useFakeTimers();
    session.share("camera", fakeStream("x", fakeTrack("video")));
    session.update(callOf({ connected: false }));
    session.restart();
    await settled();
    expect(made.map((one) => one.closed)).toEqual([true, false]);
    await vi.advanceTimersByTimeAsync(FRESH);
    session.update(callOf({ since: T1 }));
    await settled();
    expect(made.map((one) => one.closed)).toEqual([true, true, false]);
    expect(made[2]?.localDescription?.type).toBe("offer");
    expect(sent).toEqual([{ to: "far" }]);
  });

  it("answers who takes the awaited seat before it hears whose socket that is", async () => {
    const polite = (call: Call) => ({ ...call, ends: [{ seat_id: "far", polite: true }] });
    session.update(polite(callOf({ connected: false })));
    session.expectChange();
    session.hear(offer());
    await settled();
    expect(made[0]?.remoteDescription?.type).toBe("offer");
    session.update(polite(callOf({ since: T1 })));
    expect(made).toHaveLength(1);
    session.update(polite(callOf({ since: T1, mine: T1 })));
    expect(made).toHaveLength(2);
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
    expect(made[0]?.senders[0]?.limits.encodings?.[0]?.scaleResolutionDownBy).toBeGreaterThan(1);
    expect(sent.length).toBe(offers);
  });

  it("begins with a small picture, and has the whole one follow when the others are there", async () => {
    vi.useFakeTimers();
    session.update(callOf());
    session.share("camera", fakeStream("x", fakeTrack("video")));
    const scale = () => made[0]?.senders[0]?.limits.encodings?.[0]?.scaleResolutionDownBy;
    await vi.advanceTimersByTimeAsync(5 * OPENING_LASTS);
    expect(scale()).toBe(6);
    made[0]?.become("connected");
    await vi.advanceTimersByTimeAsync(OPENING_LASTS);
    expect(scale()).toBe(3);
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
