/** The ring of an offer: sound, a notification of the system, and the tab's title. */
import { ref } from "vue";

const EVERY = 2_000;
const HIGH = 880;
const LOW = 660;
const TONE = 0.22;
const LOUDNESS = 0.25;

/** Whether the browser lets us sound: "blocked" until somebody has clicked in this page. */
export const soundState = ref<"off" | "on" | "blocked">("off");

let context: AudioContext | null = null;
let timer: ReturnType<typeof setInterval> | undefined;
let note: Notification | null = null;
let titleBefore = "";

/** Make ready to ring; call it from a click, or the browser may keep us silent. */
export async function armRing(): Promise<void> {
  if (typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  context.onstatechange = settle;
  // Where no click has come yet this waits until one does, so nobody waits for it.
  void context.resume().catch(() => undefined);
  settle();
  if (typeof Notification !== "undefined" && Notification.permission === "default") {
    await Notification.requestPermission().catch(() => "denied");
  }
}

/** Look whether we could ring now, without a click: after a reload the page may be silent. */
export function checkRing(): void {
  if (typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  context.onstatechange = settle;
  settle();
}

function settle(): void {
  soundState.value = context?.state === "running" ? "on" : "blocked";
}

/** Ring until `stopRing`. */
export function startRing(words: string): void {
  stopRing();
  checkRing();
  sound();
  let isMarked = false;
  titleBefore = document.title;
  timer = setInterval(() => {
    sound();
    isMarked = !isMarked;
    document.title = isMarked ? `【来件】${words}` : titleBefore;
  }, EVERY);
  document.title = `【来件】${words}`;
  notify(words);
}

export function stopRing(): void {
  if (timer === undefined) return;
  clearInterval(timer);
  timer = undefined;
  document.title = titleBefore;
  note?.close();
  note = null;
}

function sound(): void {
  if (context?.state !== "running") return;
  tone(HIGH, 0);
  tone(LOW, TONE);
  tone(HIGH, 2 * TONE);
}

function tone(pitch: number, after: number): void {
  if (context === null) return;
  const start = context.currentTime + after;
  const source = context.createOscillator();
  const volume = context.createGain();
  source.frequency.value = pitch;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
  volume.gain.linearRampToValueAtTime(0, start + TONE);
  source.connect(volume).connect(context.destination);
  source.start(start);
  source.stop(start + TONE);
}

function notify(words: string): void {
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  try {
    note = new Notification("跨域通办：有来件", { body: words, tag: "kuayu-offer", requireInteraction: true });
    note.onclick = () => {
      window.focus();
      note?.close();
    };
  } catch {
    // Some browsers give notifications to service workers only; sound and title are left.
    note = null;
  }
}
