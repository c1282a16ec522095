/** Plays the films of a call's seats together: one of them leads, the others follow it. */
import { onBeforeUnmount, ref, shallowRef } from "vue";
import { nextMoment, playing, type Span, type Stretch } from "./timeline";

const LOOK_EVERY = 100;
/** A film that is further off than this is put right. */
const MOST_APART = 0.2;

interface Line {
  stretches: readonly Stretch[];
  pauses: readonly Span[];
  span: Span;
}

export function usePlayback(line: () => Line, addressOf: (stretch: Stretch) => string) {
  const moment = ref(line().span.from);
  const isPlaying = ref(false);
  /** The parts whose film could not be read when it was last tried. */
  const failed = shallowRef<ReadonlySet<string>>(new Set());
  const screens = new Map<string, HTMLVideoElement>();
  const loaded = new Map<string, string>();

  /** Give a seat its screen, or take it away. */
  function attach(seat: string, screen: HTMLVideoElement | null): void {
    if (screen === null) screens.delete(seat);
    else if (screens.get(seat) !== screen) {
      screens.set(seat, screen);
      loaded.delete(seat);
      screen.addEventListener("error", () => {
        const part = loaded.get(seat);
        if (part !== undefined) failed.value = new Set([...failed.value, part]);
      });
      arrange(true);
    }
  }

  const current = (seat: string) => playing(line().stretches, seat, moment.value);
  const hasFailed = (seat: string) => failed.value.has(current(seat)?.part.id ?? "");

  function arrange(isJump: boolean): void {
    for (const [seat, screen] of screens) place(seat, screen, isJump);
  }

  function place(seat: string, screen: HTMLVideoElement, isJump: boolean): void {
    const stretch = current(seat);
    if (stretch === null) {
      screen.pause();
      return;
    }
    const wanted = (moment.value - stretch.from) / 1000;
    if (loaded.get(seat) !== stretch.part.id) {
      loaded.set(seat, stretch.part.id);
      failed.value = new Set([...failed.value].filter((part) => part !== stretch.part.id));
      screen.src = addressOf(stretch);
      screen.currentTime = wanted;
    } else if (isJump || Math.abs(screen.currentTime - wanted) > MOST_APART) {
      if (!screen.seeking || isJump) screen.currentTime = wanted;
    }
    if (isPlaying.value && screen.paused) void screen.play().catch(() => undefined);
    if (!isPlaying.value && !screen.paused) screen.pause();
  }

  /** The seat whose film is running: its time is the time of all. */
  function leader(): { screen: HTMLVideoElement; stretch: Stretch } | null {
    for (const [seat, screen] of screens) {
      const stretch = current(seat);
      const runs = stretch !== null && loaded.get(seat) === stretch.part.id && !screen.seeking;
      if (runs && screen.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !hasFailed(seat)) {
        return { screen, stretch };
      }
    }
    return null;
  }

  /** Nothing can be read at this moment: no film will ever lead on. */
  const isUnreadable = () =>
    [...screens.keys()].every((seat) => current(seat) === null || hasFailed(seat));

  let lookedAt = performance.now();

  function look(): void {
    const now = performance.now();
    const passed = now - lookedAt;
    lookedAt = now;
    if (!isPlaying.value) return;
    const first = leader();
    if (first !== null) {
      const { screen, stretch } = first;
      moment.value = screen.ended ? stretch.to : stretch.from + screen.currentTime * 1000;
    } else if (isUnreadable()) moment.value += passed;
    const next = nextMoment(line().stretches, line().pauses, moment.value);
    if (next === null) {
      isPlaying.value = false;
      moment.value = line().span.to;
    }
    const isJump = next !== null && next !== moment.value;
    if (isJump) moment.value = next;
    arrange(isJump);
  }

  /** Whoever looks for a moment or presses play has what could not be read tried once more. */
  function tryAgain(): void {
    for (const [seat, part] of loaded) {
      if (failed.value.has(part)) loaded.delete(seat);
    }
  }

  function jump(to: number): void {
    tryAgain();
    const { from, to: end } = line().span;
    moment.value = Math.min(Math.max(to, from), end);
    arrange(true);
  }

  /** Nothing comes after this moment. */
  const hasEnded = () => moment.value >= line().span.to;

  function play(): void {
    if (hasEnded()) jump(line().span.from);
    isPlaying.value = true;
    tryAgain();
    arrange(false);
  }

  function pause(): void {
    isPlaying.value = false;
    arrange(false);
  }

  const timer = setInterval(look, LOOK_EVERY);
  onBeforeUnmount(() => clearInterval(timer));

  return { moment, isPlaying, hasFailed, hasEnded, attach, current, jump, play, pause };
}
