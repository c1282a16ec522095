import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeConnection, fakeStream, fakeTrack, settled } from "./fake";
import {
  CONNECT_WITHIN, PATIENCE, Peer, RESTART_AFTER, RESTART_EVERY, RESTARTS, SAY_AGAIN, SAY_AGAIN_AFTER, type Signal,
} from "./peer";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function pair() {
  const wires: { a: Signal[]; b: Signal[] } = { a: [], b: [] };
  const [one, two] = [new FakeConnection("one"), new FakeConnection("two")];
  const as = (fake: FakeConnection) => fake as unknown as RTCPeerConnection;
  const servers = () => [{ urls: "turn:turn.example", username: String(Date.now()) }];
  const a: Peer = new Peer({ polite: false, connection: as(one), servers, send: (s) => wires.a.push(s) });
  const b: Peer = new Peer({ polite: true, connection: as(two), servers, send: (s) => wires.b.push(s) });
  /** Carry what was said to the other side, both ways at once, until nobody says any more. */
  const carry = async () => {
    await settled();
    while (wires.a.length || wires.b.length) {
      const [fromA, fromB] = [wires.a.splice(0), wires.b.splice(0)];
      await Promise.all([...fromA.map((s) => b.hear(s)), ...fromB.map((s) => a.hear(s))]);
      await settled();
    }
  };
  const states = () => [one.signalingState, two.signalingState];
  return { a, b, one, two, wires, carry, states };
}

const said = (sdp: string | undefined) => sdp?.split("\n")[0];
const described = (signals: Signal[]) => signals.filter((signal) => "description" in signal);

describe("two ends that negotiate", () => {
  it("agree when one of them offers", async () => {
    const { a, one, two, carry, states } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await carry();
    expect(states()).toEqual(["stable", "stable"]);
    expect(said(two.remoteDescription?.sdp)).toBe("one offer 1");
    expect(said(one.remoteDescription?.sdp)).toBe("two answer 1");
  });

  it("leave the first offer to the impolite one: the answer brings all that the polite one sends", async () => {
    const { a, b, one, two, wires, carry } = pair();
    b.add(fakeTrack("video"), fakeStream("y"), "s2:camera");
    await settled();
    expect(wires.b).toEqual([]);
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await carry();
    await vi.advanceTimersByTimeAsync(PATIENCE);
    expect(wires.b).toEqual([]);
    expect(two.rollbacks).toBe(0);
    expect(said(one.remoteDescription?.sdp)).toBe("two answer 1");
  });

  it("agree although the impolite one has nothing to offer", async () => {
    const { b, one, carry, states } = pair();
    b.add(fakeTrack("video"), fakeStream("y"), "s2:camera");
    await vi.advanceTimersByTimeAsync(PATIENCE);
    await carry();
    expect(states()).toEqual(["stable", "stable"]);
    expect(said(one.remoteDescription?.sdp)).toBe("two offer 1");
  });

  it("agree although the impolite one's offer was lost, as soon as the polite one offers", async () => {
    const { a, b, two, wires, carry, states } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await settled();
    wires.a.length = 0;
    b.add(fakeTrack("video"), fakeStream("y"), "s2:camera");
    await vi.advanceTimersByTimeAsync(PATIENCE);
    await carry();
    expect(states()).toEqual(["stable", "stable"]);
    expect(said(two.remoteDescription?.sdp)).toBe("one offer 1");
  });

  it("agree when both offer at once later: the polite one gives way", async () => {
    const { a, b, one, two, carry, states } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await carry();
    a.add(fakeTrack("video"), fakeStream("x2"), "s1:screen");
    b.add(fakeTrack("video"), fakeStream("y"), "s2:camera");
    await carry();
    expect(states()).toEqual(["stable", "stable"]);
    expect(one.rollbacks).toBe(0);
    expect(two.rollbacks).toBe(1);
  });

  it("agree in the end in whatever order their words cross", async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { a, b, wires, states } = pair();
      const chance = dice(seed);
      for (let step = 0; step < 60; step++) {
        const roll = chance();
        if (roll < 0.2) a.add(fakeTrack("video"), fakeStream(`a${step}`), "s1:camera");
        else if (roll < 0.4) b.add(fakeTrack("video"), fakeStream(`b${step}`), "s2:camera");
        else if (roll < 0.7) wires.a.splice(0, 1).forEach((signal) => void b.hear(signal));
        else wires.b.splice(0, 1).forEach((signal) => void a.hear(signal));
        for (let i = 0; i < chance() * 6; i++) await Promise.resolve();
      }
      for (let round = 0; round < 40 && (wires.a.length || wires.b.length || round < 2); round++) {
        for (const signal of wires.a.splice(0)) await b.hear(signal);
        for (const signal of wires.b.splice(0)) await a.hear(signal);
        await settled();
      }
      expect(states(), `seed ${seed}`).toEqual(["stable", "stable"]);
      a.close();
      b.close();
    }
  });

  it("keep candidates that come before the description", async () => {
    const { b, two } = pair();
    await b.hear({ candidate: { candidate: "candidate:1", sdp_mid: "0", sdp_m_line_index: 0, username_fragment: "u" } });
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

  it("tell a description of another connection from one of the same", async () => {
    const { a } = pair();
    const offer = (who: string) => ({ type: "offer", sdp: `v=0\na=fingerprint:sha-256 ${who}\n` }) as const;
    expect(a.isOfAnother(offer("AA:01"))).toBe(false);
    await a.hear({ description: offer("AA:01") });
    expect(a.isOfAnother(offer("aa:01"))).toBe(false);
    expect(a.isOfAnother(offer("BB:02"))).toBe(true);
  });

  it("say nothing and hear nothing once closed", async () => {
    const { a, one, wires } = pair();
    a.close();
    await a.hear({ description: { type: "offer", sdp: "x" } });
    expect(one.remoteDescription).toBeNull();
    expect(wires.a).toEqual([]);
    expect(a.state).toBe("closed");
  });

  it("negotiate no more once retired, and carry media on", async () => {
    const { a, one, wires } = pair();
    one.become("connected");
    a.retire();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await settled();
    expect(wires.a).toEqual([]);
    expect(one.closed).toBe(false);
    expect(a.state).toBe("connected");
  });
});

describe("an offer that was lost", () => {
  it("is said again until it is answered, but not for ever", async () => {
    const { a, b, one, wires, states } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await settled();
    wires.a.length = 0;
    await vi.advanceTimersByTimeAsync(SAY_AGAIN_AFTER);
    expect(described(wires.a)).toHaveLength(1);
    await b.hear(wires.a.splice(0)[0]!);
    await a.hear(wires.b.splice(0)[0]!);
    expect(states()).toEqual(["stable", "stable"]);
    one.become("connected");
    await vi.advanceTimersByTimeAsync(SAY_AGAIN_AFTER * 10);
    expect(wires.a).toEqual([]);
  });

  it("is given up when nobody ever answers", async () => {
    const { a, wires } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await vi.advanceTimersByTimeAsync(SAY_AGAIN_AFTER * 50);
    expect(described(wires.a)).toHaveLength(1 + SAY_AGAIN);
  });

  it("harms nobody when it was not lost after all", async () => {
    const { a, b, wires, states } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await vi.advanceTimersByTimeAsync(SAY_AGAIN_AFTER);
    for (const signal of wires.a.splice(0)) await b.hear(signal);
    for (const signal of wires.b.splice(0)) await a.hear(signal);
    expect(states()).toEqual(["stable", "stable"]);
  });
});

describe("a line that was cut", () => {
  it("is given a moment to come back by itself", async () => {
    const { a, one } = pair();
    one.become("connected");
    one.become("disconnected");
    expect(a.state).toBe("interrupted");
    await vi.advanceTimersByTimeAsync(RESTART_AFTER - 1);
    one.become("connected");
    await vi.advanceTimersByTimeAsync(RESTART_EVERY * 10);
    expect(one.restarts).toBe(0);
    expect(a.state).toBe("connected");
  });

  it("looks for a new way, again and again, and then is stuck", async () => {
    const { a, one } = pair();
    let stuck = 0;
    a.on("stuck", () => stuck++);
    one.become("connected");
    one.become("failed");
    await vi.advanceTimersByTimeAsync(0);
    expect(one.restarts).toBe(1);
    await vi.advanceTimersByTimeAsync(RESTART_EVERY * (RESTARTS - 1));
    expect([one.restarts, stuck]).toEqual([RESTARTS, 0]);
    await vi.advanceTimersByTimeAsync(RESTART_EVERY * 10);
    expect([one.restarts, stuck]).toEqual([RESTARTS, 1]);
  });

  it("is sought by one of the two at a time", async () => {
    const { a, b, one, two, carry } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await carry();
    for (const fake of [one, two]) fake.become("connected");
    for (const fake of [one, two]) fake.become("disconnected");
    await vi.advanceTimersByTimeAsync(RESTART_AFTER);
    a.add(fakeTrack("audio"), fakeStream("x"), "s1:camera");
    await carry();
    await vi.advanceTimersByTimeAsync(PATIENCE);
    expect([one.restarts, two.restarts]).toEqual([1, 0]);
    expect([a.state, b.state]).toEqual(["interrupted", "interrupted"]);
  });

  it("is mended by servers of that moment, at the end that seeks and at the one that is asked", async () => {
    const used = ({ configuration }: FakeConnection) => configuration.iceServers?.[0]?.username;
    const { a, b, one, two } = pair();
    const offer = (fragment: string) => ({ description: { type: "offer", sdp: `v=0\na=ice-ufrag:${fragment}\n` } }) as const;
    await b.hear(offer("before"));
    vi.setSystemTime(Date.now() + 600_000);
    await b.hear(offer("before"));
    expect(used(two)).toBeUndefined();
    a.restart();
    await b.hear(offer("after"));
    expect([used(one), used(two)]).toEqual([String(Date.now()), String(Date.now())]);
  });

  it("does not look for a way once closed", async () => {
    const { a, one } = pair();
    one.become("disconnected");
    a.close();
    await vi.advanceTimersByTimeAsync(RESTART_EVERY * 10);
    expect(one.restarts).toBe(0);
  });
});

describe("a connection that does not come about", () => {
  it("is sought once more, and then is stuck", async () => {
    const { a, one, two, carry } = pair();
    let stuck = 0;
    a.on("stuck", () => stuck++);
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await carry();
    await vi.advanceTimersByTimeAsync(CONNECT_WITHIN);
    expect([one.restarts, two.restarts, stuck]).toEqual([1, 0, 0]);
    await vi.advanceTimersByTimeAsync(RESTART_EVERY);
    expect([one.restarts, stuck]).toEqual([1, 1]);
  });

  it("is sought no more once it is there", async () => {
    const { a, one, carry } = pair();
    a.add(fakeTrack("video"), fakeStream("x"), "s1:camera");
    await carry();
    one.become("connected");
    await vi.advanceTimersByTimeAsync(CONNECT_WITHIN * 10);
    expect(one.restarts).toBe(0);
  });
});

/** The same throws for the same seed. */
function dice(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
