import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { effectScope, type EffectScope } from "vue";
import { usePlayback } from "./playback";
import type { Stretch } from "./timeline";

const stretch = (id: string, seat: string, from: number, to: number) =>
  ({ seat, part: { id }, from, to }) as unknown as Stretch;
const stretches = [
  stretch("a1", "a", 0, 1_000), stretch("b1", "b", 0, 3_000), stretch("a2", "a", 1_000, 3_000),
];

/** A screen whose films play by the test's clock, unless they cannot be read. */
class Screen extends EventTarget {
  readyState = 4;
  seeking = false;
  ended = false;
  paused = true;
  src = "";
  currentTime = 0;
  play = () => Promise.resolve(void (this.paused = false));
  pause = () => void (this.paused = true);

  run(seconds: number): void {
    if (!this.paused) this.currentTime += seconds;
  }

  fail(): void {
    this.readyState = 0;
    this.dispatchEvent(new Event("error"));
  }
}

let scope: EffectScope;
let film: ReturnType<typeof usePlayback>;
let a: Screen;
let b: Screen;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockReturnValue();
  vi.stubGlobal("HTMLMediaElement", { HAVE_CURRENT_DATA: 2 });
  scope = effectScope();
  const line = () => ({ stretches, pauses: [], span: { from: 0, to: 3_000 } });
  film = scope.run(() => usePlayback(line, (one) => one.part.id))!;
  [a, b] = [new Screen(), new Screen()];
  film.attach("a", a as unknown as HTMLVideoElement);
  film.attach("b", b as unknown as HTMLVideoElement);
});
afterEach(() => {
  scope.stop();
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Let time pass, for the films that play as well. */
function pass(milliseconds: number): void {
  for (let at = 0; at < milliseconds; at += 100) {
    for (const screen of [a, b]) if (screen.readyState > 0) screen.run(0.1);
    vi.advanceTimersByTime(100);
  }
}

test("a part that cannot be read is told of until the seat's next part, and the others play on", () => {
  film.play();
  a.fail();
  expect([film.hasFailed("a"), film.hasFailed("b")]).toEqual([true, false]);
  pass(1_200);
  expect(film.moment.value).toBeGreaterThan(1_000);
  expect(a.src).toBe("a2");
  expect(film.hasFailed("a")).toBe(false);
});

test("where nothing can be read the clock runs on, to the next part and to the end", () => {
  film.play();
  a.fail();
  b.fail();
  pass(1_000);
  expect(film.moment.value).toBeGreaterThanOrEqual(900);
  expect(film.hasEnded()).toBe(false);
  pass(300);
  a.fail();
  pass(2_000);
  expect([film.isPlaying.value, film.moment.value, film.hasEnded()]).toEqual([false, 3_000, true]);
});

test("while a film is only slow the clock waits for it", () => {
  film.play();
  a.readyState = b.readyState = 0;
  pass(1_000);
  expect(film.moment.value).toBe(0);
});

test("what could not be read is tried again when play is pressed", () => {
  film.play();
  a.fail();
  film.pause();
  a.src = "";
  a.readyState = 4;
  film.play();
  expect([a.src, film.hasFailed("a")]).toEqual(["a1", false]);
});
