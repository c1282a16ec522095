import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { networkWords } from "../features/calls/checking";
import { Emitter } from "./emitter";
import { figuresOf, type Found, isEnough, type Look, probe, type ProbeOptions, REACHED_WITHIN, readLook } from "./probe";
import type { RelayState } from "./relay";

const look = (at: number, more: Partial<Look> = {}): Look => ({
  at, sent: 0, received: 0, packets: 0, lost: 0, roundTrip: 0, ...more,
});
const FIGURES = { up_kbps: 1_800, down_kbps: 1_700, up_loss: 0.002, down_loss: 0, round_trip_ms: 12 };

class FakeRelay extends Emitter<{ state: RelayState }> {
  state: RelayState = "connecting";
  legId = "leg";
  shared: MediaStream[] = [];
  connection = { getStats: () => Promise.resolve(new Map() as unknown as RTCStatsReport) };
  become(state: RelayState): void {
    this.state = state;
    this.tell("state", state);
  }
  share(_kind: "camera", stream: MediaStream): void {
    this.shared.push(stream);
  }
  unshare(_kind: "camera", stream: MediaStream): void {
    this.shared = this.shared.filter((one) => one !== stream);
  }
}

describe("figures", () => {
  it("are those of the last two seconds, for bandwidth is found in the first ones", () => {
    const looks = [
      look(0), look(3_000, { sent: 100_000, received: 90_000 }),
      look(5_000, { sent: 600_000, received: 490_000, packets: 990, lost: 10, roundTrip: 12.4 }),
    ];
    expect(figuresOf(looks, { packets: 1_000, lost: 0 })).toEqual({
      up_kbps: 2_000, down_kbps: 1_600, up_loss: 0, down_loss: 0.01, round_trip_ms: 12,
    });
  });

  it("take what was lost on the way there from what came back", () => {
    const looks = [look(0, { packets: 50, lost: 4 }), look(5_000, { sent: 1_000_000, packets: 860, lost: 194 })];
    const { up_kbps, up_loss, down_loss } = figuresOf(looks, { packets: 900, lost: 100 });
    expect(up_loss).toBe(0.1);
    expect(down_loss).toBeCloseTo(0.1);
    expect(up_kbps).toBe(1_440);
  });

  it("are nothing where nothing was carried", () => {
    const none = { up_kbps: 0, down_kbps: 0, up_loss: 0, down_loss: 0, round_trip_ms: 0 };
    expect(figuresOf([look(0)], { packets: 0, lost: 0 })).toEqual(none);
    expect(isEnough(none)).toBe(false);
    expect(isEnough(FIGURES)).toBe(true);
  });

  it("are read from what the browser counts", () => {
    const report = [
      { type: "outbound-rtp", bytesSent: 1_000, headerBytesSent: 100 },
      { type: "inbound-rtp", bytesReceived: 900, headerBytesReceived: 90, packetsReceived: 9, packetsLost: -1 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.0421 },
      { type: "candidate-pair", nominated: false, currentRoundTripTime: 9 },
    ];
    const seen = readLook(report, 7);
    expect(seen).toMatchObject({ at: 7, sent: 1_100, received: 990, packets: 9, lost: 0 });
    expect(seen.roundTrip).toBeCloseTo(42.1);
  });
});

describe("a probe", () => {
  let relay: FakeRelay;
  let found: Promise<Found>;
  let aborting: AbortController;
  const stop = vi.fn();
  const picture = () => ({ stream: {} as MediaStream, stop });

  function begin(measure: ProbeOptions["measure"] = () => Promise.resolve({ packets: 10, lost: 0 })): void {
    found = probe({ relay, measure, picture }, aborting.signal, () => undefined);
  }

  beforeEach(() => {
    vi.useFakeTimers();
    stop.mockClear();
    relay = new FakeRelay();
    aborting = new AbortController();
  });
  afterEach(() => vi.useRealTimers());

  it("waits for the leg, sends its own picture and takes it back", async () => {
    let during: MediaStream[] = [];
    begin((leg, seconds) => {
      during = [...relay.shared];
      expect([leg, seconds]).toEqual(["leg", 5]);
      return Promise.resolve({ packets: 10, lost: 0 });
    });
    relay.become("connected");
    expect(await found).toMatchObject({ network: "measured" });
    expect(during).toHaveLength(1);
    expect(relay.shared).toEqual([]);
    expect(stop).toHaveBeenCalledOnce();
  });

  it("says that calls are direct where no worker is", async () => {
    begin();
    relay.become("none");
    expect(await found).toEqual({ network: "direct", figures: null });
  });

  it("gives up where no media comes through", async () => {
    begin();
    await vi.advanceTimersByTimeAsync(REACHED_WITHIN);
    expect(await found).toEqual({ network: "unreachable", figures: null });
  });

  it("is untried when it is called off, before it began or in the middle", async () => {
    begin();
    aborting.abort();
    expect(await found).toEqual({ network: "untried", figures: null });
    aborting = new AbortController();
    begin((_leg, _seconds, signal) => new Promise((_, no) => signal.addEventListener("abort", no)));
    relay.become("connected");
    await vi.advanceTimersByTimeAsync(100);
    expect(relay.shared).toHaveLength(1);
    aborting.abort();
    expect(await found).toEqual({ network: "untried", figures: null });
    expect(relay.shared).toEqual([]);
  });

  it("is said in plain words with what to do", () => {
    const said = (figures: Partial<typeof FIGURES>) =>
      networkWords({ network: "measured", figures: { ...FIGURES, ...figures } }, false);
    expect(said({}).words).toBe("上行 1.8 Mbps，下行 1.7 Mbps，丢包 0.2%，往返 12 毫秒：良好");
    expect(said({}).advice).toBe("");
    expect(said({ up_kbps: 300 }).words).toContain("上行 300 kbps");
    expect(said({ up_kbps: 300 }).advice).toContain("带宽不够");
    expect(said({ down_loss: 0.2 }).advice).toContain("丢包较多");
    expect(said({ round_trip_ms: 900 }).advice).toContain("线路太慢");
    expect(networkWords({ network: "unreachable", figures: null }, false).advice).toContain("UDP");
  });
});
