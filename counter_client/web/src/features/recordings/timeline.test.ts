import { expect, test } from "vitest";
import type { Event, Viewing } from "../../api/shapes";
import { holesOf, nextMoment, pausesOf, playing, spanOf, stretchesOf } from "./timeline";

const START = Date.parse("2026-11-22T04:00:00Z");
const instant = (seconds: number) => new Date(START + seconds * 1000).toISOString();
const part = (id: string, seat: string, from: number, seconds: number, purged = false) =>
  ({ id, seat_id: seat, began_at: instant(from), seconds, purged });
const viewing = {
  parts: [part("a2", "a", 30, 20), part("a1", "a", 0, 20), part("b1", "b", 2, 50), part("c", "b", 60, 5, true)],
} as unknown as Viewing;
const event = (kind: string, at: number, data: object) => ({ kind, at: instant(at), data }) as unknown as Event;
const events = [
  event("recording.paused", 40, { call_id: "call" }),
  event("recording.paused", 40, { call_id: "another" }),
  event("recording.resumed", 45, { call_id: "call" }),
  event("recording.gap", 30, { recording_id: "a2", after: "a1", reason: "worker_lost" }),
];
const stretches = stretchesOf(viewing);

test("parts stand where they began, without those that are purged", () => {
  expect(stretches.map((one) => one.part.id)).toEqual(["a1", "b1", "a2"]);
  expect(spanOf(stretches)).toEqual({ from: START, to: START + 52_000 });
  expect(playing(stretches, "a", START + 25_000)).toBeNull();
  expect(playing(stretches, "a", START + 30_000)?.part.id).toBe("a2");
});

test("a hole between parts bears the log's reason, and a pause is one of every seat", () => {
  const pauses = pausesOf(events, "call", START + 52_000);
  expect(pauses).toEqual([{ from: START + 40_000, to: START + 45_000 }]);
  const holes = holesOf("a", stretches, pauses, events, spanOf(stretches));
  expect(holes.map(({ from, to, words }) => [(from - START) / 1000, (to - START) / 1000, words])).toEqual([
    [20, 30, "媒体中继断开"], [50, 52, "没有录制"], [40, 45, "暂停录制"],
  ]);
});

test("a pause that was never ended lasts to the end", () => {
  expect(pausesOf(events.slice(0, 1), "call", START + 52_000)).toEqual([{ from: START + 40_000, to: START + 52_000 }]);
});

test("what plays nothing is passed over", () => {
  const only = stretches.filter((one) => one.seat === "a");
  const pauses = [{ from: START + 29_000, to: START + 31_000 }];
  expect(nextMoment(only, pauses, START + 5_000)).toBe(START + 5_000);
  expect(nextMoment(only, pauses, START + 21_000)).toBe(START + 31_000);
  expect(nextMoment(only, [], START + 60_000)).toBeNull();
});
