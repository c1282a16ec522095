import { describe, expect, it } from "vitest";
import { FakeConnection, fakeStream, fakeTrack, settled } from "./fake";
import { Peer, type Signal } from "./peer";

function pair() {
  const wires: { a: Signal[]; b: Signal[] } = { a: [], b: [] };
  const [one, two] = [new FakeConnection("one"), new FakeConnection("two")];
  const as = (fake: FakeConnection) => fake as unknown as RTCPeerConnection;
  const a: Peer = new Peer({ polite: false, connection: as(one), send: (s) => wires.a.push(s) });
  const b: Peer = new Peer({ polite: true, connection: as(two), send: (s) => wires.b.push(s) });
  /** Carry what was said to the other side, both ways at once, until nobody says any more. */
  const carry = async () => {
    await settled();
    while (wires.a.length || wires.b.length) {
      const [fromA, fromB] = [wires.a.splice(0), wires.b.splice(0)];
      await Promise.all([...fromA.map((s) => b.hear(s)), ...fromB.map((s) => a.hear(s))]);
      await settled();
    }
  };
  return { a, b, one, two, wires, carry };
}

describe("two ends that negotiate", () => {
  it("agree when one of them offers", async () => {
    const { a, one, two, carry } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await carry();
    expect([one.signalingState, two.signalingState]).toEqual(["stable", "stable"]);
    expect(two.remoteDescription?.sdp).toBe("one offer 1");
    expect(one.remoteDescription?.sdp).toBe("two answer 1");
  });

  it("agree when both offer at once: the polite one gives way", async () => {
    const { a, b, one, two, carry } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    b.add(fakeTrack("video"), fakeStream("y"), "s2:camera");
    await carry();
    expect([one.signalingState, two.signalingState]).toEqual(["stable", "stable"]);
    expect(one.rollbacks).toBe(0);
    expect(two.rollbacks).toBe(1);
  });

  it("keep candidates that come before the description", async () => {
    const { b, two } = pair();
    const early = b.hear({ candidate: { candidate: "candidate:1", sdp_mid: "0", sdp_m_line_index: 0, username_fragment: "u" } });
    await early;
    expect(two.candidates).toEqual([]);
    await b.hear({ description: { type: "offer", sdp: "x" } });
    expect(two.candidates).toEqual([
      { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "u" },
    ]);
  });

  it("end the candidates with nothing", async () => {
    const { b, two } = pair();
    await b.hear({ description: { type: "offer", sdp: "x" } });
    await b.hear({ candidate: null });
    expect(two.candidates).toEqual([undefined]);
  });

  it("drop an answer that nobody waits for", async () => {
    const { a, one } = pair();
    await a.hear({ description: { type: "answer", sdp: "late" } });
    expect(one.remoteDescription).toBeNull();
  });

  it("find a new way when the connection has failed", () => {
    const { a, one } = pair();
    const said: string[] = [];
    a.on("state", (state) => said.push(state));
    one.become("connected");
    one.become("disconnected");
    one.become("failed");
    expect(one.restarts).toBe(1);
    expect(said).toEqual(["connected", "interrupted"]);
  });

  it("say and hear nothing once closed", async () => {
    const { a, one, wires } = pair();
    a.close();
    await a.hear({ description: { type: "offer", sdp: "x" } });
    expect(one.remoteDescription).toBeNull();
    expect(wires.a).toEqual([]);
    expect(a.state).toBe("closed");
  });
});
