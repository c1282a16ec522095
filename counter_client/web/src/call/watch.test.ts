import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BAD_LOOKS, GOOD_LOOKS, POOR_LOOKS } from "./ladder";
import { LineWatch } from "./watch";

const EVERY = 2_000;
let watch: LineWatch;
let said: string[];
let lost: number;
const connection = {
  connectionState: "connected" as RTCPeerConnectionState,
  getStats: async () =>
    new Map([["v", { type: "remote-inbound-rtp", fractionLost: lost, timestamp: 1 }]]) as unknown as RTCStatsReport,
};

beforeEach(() => {
  vi.useFakeTimers();
  watch = new LineWatch();
  said = [];
  lost = 0;
  connection.connectionState = "connected";
  watch.on("rung", (rung) => said.push(rung));
  watch.follow(connection);
});
afterEach(() => {
  watch.reset();
  vi.useRealTimers();
});

const looks = (times: number) => vi.advanceTimersByTimeAsync(times * EVERY);

it("says what a line carries as it becomes worse and better", async () => {
  lost = 0.4;
  await looks(POOR_LOOKS + BAD_LOOKS);
  lost = 0;
  await looks(2 * GOOD_LOOKS);
  expect(said).toEqual(["reduced", "voice", "reduced", "full"]);
});

it("draws no conclusion from a line that is cut", async () => {
  lost = 1;
  connection.connectionState = "disconnected";
  await looks(20);
  expect(said).toEqual([]);
});

it("goes on from where it stood when another connection carries the call", async () => {
  lost = 0.4;
  await looks(POOR_LOOKS);
  watch.follow(null);
  await looks(5);
  watch.follow(connection);
  await looks(BAD_LOOKS);
  expect(said).toEqual(["reduced", "voice"]);
});

it("begins the next call with everything", async () => {
  lost = 0.4;
  await looks(POOR_LOOKS);
  watch.reset();
  expect(watch.rung).toBe("full");
  await looks(BAD_LOOKS);
  expect(said).toEqual(["reduced"]);
});
