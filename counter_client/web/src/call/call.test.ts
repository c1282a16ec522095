import { beforeEach, describe, expect, it } from "vitest";
import type { Call } from "@/api/shapes";
import { type AddressedSignal, CallSession, limitsFor } from "./call";
import { FakeConnection, fakeStream, fakeTrack, settled } from "./fake";

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

function callOf(remote: { since?: string; connected?: boolean } = {}): Call {
  const seat = (id: string, side: string, since: string, connected = true) => ({
    id, side, since, connected, order: 0, name: "", office: "", media_up: false,
  });
  return {
    id: "call",
    my_seat: "me",
    seats: [seat("me", "local", "t0"), seat("far", "remote", remote.since ?? "t0", remote.connected ?? true)],
    ends: [{ seat_id: "far", polite: false }],
    ice_servers: [],
  } as unknown as Call;
}

const offer = (from = "far", callId = "call"): AddressedSignal => ({
  call_id: callId, from, description: { type: "offer", sdp: "x" },
});

describe("a call from one seat's view", () => {
  it("meets an end once, however often it hears of it", () => {
    session.update(callOf());
    session.update(callOf());
    expect(made).toHaveLength(1);
  });

  it("meets an end anew when its seat was taken anew", () => {
    session.update(callOf());
    session.update(callOf({ since: "t1" }));
    expect(made).toHaveLength(2);
    expect(made[0]?.closed).toBe(true);
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

  it("holds signals while the call is about to change", async () => {
    session.update(callOf());
    session.expectChange();
    session.hear(offer());
    await settled();
    expect(made[0]?.remoteDescription).toBeNull();
    session.update(callOf({ since: "t1" }));
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

describe("what a sender may use", () => {
  it("scales a large camera down", () => {
    expect(limitsFor("camera", fakeTrack("video")).scaleDownBy).toBe(3);
  });
});
