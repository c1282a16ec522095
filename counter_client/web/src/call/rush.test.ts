import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { beginRush, calm, endRush, inTurn, RUSH_LASTS } from "./rush";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  endRush();
  vi.useRealTimers();
});

async function isCalm(): Promise<boolean> {
  let done = false;
  void calm().then(() => (done = true));
  await vi.advanceTimersByTimeAsync(0);
  return done;
}

it("lets all else wait while a call begins, until its picture is there", async () => {
  expect(await isCalm()).toBe(true);
  beginRush();
  expect(await isCalm()).toBe(false);
  endRush();
  expect(await isCalm()).toBe(true);
});

it("lets nobody wait for a picture that does not come, nor for the call before", async () => {
  beginRush();
  const first = calm();
  beginRush();
  await first;
  expect(await isCalm()).toBe(false);
  await vi.advanceTimersByTimeAsync(RUSH_LASTS);
  expect(await isCalm()).toBe(true);
});

it("does once more what was wished for meanwhile, however often", async () => {
  const work = vi.fn(async () => void (await Promise.resolve()));
  const wish = inTurn(work);
  await Promise.all([wish(), wish(), wish()]);
  expect(work).toHaveBeenCalledTimes(2);
  await wish();
  expect(work).toHaveBeenCalledTimes(3);
});
