import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Batch, EVERY, MOST, Pen } from "./pen";

let sent: Batch[];
let pen: Pen;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  pen = new Pen((batch) => sent.push(batch));
});
afterEach(() => vi.useRealTimers());

it("says the first point at once and the next ones together", async () => {
  pen.down(0.5, 0.5);
  expect(sent.map(({ points }) => points)).toEqual([[[0.5, 0.5]]]);
  for (let at = 1; at <= 5; at++) pen.move(0.5 + at / 100, 0.5);
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(EVERY);
  expect(sent[1]!.points).toHaveLength(5);
  expect(sent[1]!.stroke).toBe(sent[0]!.stroke);
});

it("says no more than ten things in a second, whatever the hand does", async () => {
  for (let at = 0; at < 100; at++) {
    pen.down(at / 100, at / 100);
    pen.move(at / 100, 1 - at / 100);
    pen.up();
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(sent.length).toBeLessThanOrEqual(10);
  await vi.runAllTimersAsync();
  expect(new Set(sent.map(({ stroke }) => stroke)).size).toBe(100);
});

it("takes what is hardly a move for none, and stays on the picture", () => {
  pen.down(0.5, 0.5);
  expect(pen.move(0.5009, 0.5)).toBeNull();
  expect(pen.move(1.7, -3)?.points).toEqual([[1, 0]]);
});

it("makes no message larger than the service takes", async () => {
  pen.down(0, 0);
  for (let at = 1; at <= 3 * MOST; at++) pen.move(at / 250, at / 250);
  await vi.runAllTimersAsync();
  expect(Math.max(...sent.map(({ points }) => points.length))).toBe(MOST);
  expect(sent.flatMap(({ points }) => points)).toHaveLength(3 * MOST + 1);
});

it("forgets what was not yet said when it is dropped", async () => {
  pen.down(0, 0);
  pen.move(0.5, 0.5);
  pen.drop();
  await vi.runAllTimersAsync();
  expect(sent).toHaveLength(1);
});
