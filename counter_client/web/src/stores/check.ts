/** The device check: asked for before the first call of the day, and never in anybody's way. */
import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import { post } from "@/api/http";
import type { DeviceCheck, DeviceTrial } from "@/api/shapes";
import { type Found, type Measured, probe } from "@/call/probe";
import { dayOf } from "@/ui/time";
import { useAgent } from "./agent";
import { useCall } from "./call";
import { useGuests } from "./guests";
import { useLine } from "./line";
import { useMe } from "./me";
import { useMedia } from "./media";
import { useRelay } from "./relay";

/** On which day whom this browser asked last: another machine has other devices. */
const ASKED = "kuayu.device-check";
/** The worker's word comes right after the probe, or not at all. */
const LATE = 4_000;

/** What goes on when the check is over. */
export type Purpose = "ready" | "call";

export const useCheck = defineStore("check", () => {
  const agent = useAgent();
  const call = useCall();
  const guests = useGuests();
  const line = useLine();
  const me = useMe();
  const media = useMedia();
  const { relay } = useRelay();
  const isOpen = ref(false);
  const purpose = ref<Purpose | null>(null);
  /** What came of the network; null while it is measured. */
  const found = ref<Found | null>(null);
  const part = ref(0);
  let goOn: () => unknown = () => undefined;
  let running = new AbortController();

  /** A call is on or rings: devices are in use, and the check gives way. */
  const isCalled = computed(
    () => call.isOn || call.isJoining || agent.offer !== null || guests.invitation !== null,
  );

  /** Do something that leads to a call, after the check if this is the day's first time. */
  function before(what: Purpose, go: () => unknown): unknown {
    if (!isDue() || isCalled.value) return go();
    open();
    [purpose.value, goOn] = [what, go];
  }

  function open(): void {
    [purpose.value, goOn] = [null, () => undefined];
    isOpen.value = true;
    void measure();
  }

  /** Measure the network, again if need be; not during a call, which needs it all. */
  async function measure(): Promise<void> {
    running.abort();
    const mine = (running = new AbortController());
    part.value = 0;
    found.value = call.isOn ? { network: "untried", figures: null } : null;
    if (call.isOn) return;
    const result = await probe({ relay, measure: hearMyself }, mine.signal, (now) => (part.value = now));
    if (mine === running) found.value = result;
  }

  /** Let the worker send back what we send, and hear what it counted. */
  async function hearMyself(legId: string, seconds: number, signal: AbortSignal): Promise<Measured> {
    const heard = new Promise<Measured>((resolve, reject) => {
      waiting = { legId, resolve };
      setTimeout(() => reject(new Error("late")), seconds * 1_000 + LATE);
      signal.addEventListener("abort", () => reject(new Error("called off")), { once: true });
    });
    await Promise.all([heard, line.send("leg.probed", { leg_id: legId, seconds })]);
    return heard;
  }

  let waiting: { legId: string; resolve: (found: Measured) => void } | null = null;
  line.on("leg.measured", ({ leg_id: legId, packets, lost }) => {
    if (waiting?.legId === legId) waiting.resolve({ packets, lost });
  });

  /** Keep what was found, and go on with what the check came before. */
  async function finish(trial: DeviceTrial): Promise<DeviceCheck> {
    const kept = await post<DeviceCheck>("/api/device-checks", trial);
    leave();
    return kept;
  }

  /** Go on without a check; today nobody asks again here. */
  function leave(): void {
    const go = goOn;
    shut();
    noteAsked();
    void go();
  }

  /** Close it, and go on with nothing: the check comes again before the next call. */
  function shut(): void {
    running.abort();
    isOpen.value = false;
    goOn = () => undefined;
  }

  watch(isCalled, (is) => is && isOpen.value && shut(), { flush: "sync" });

  // A call that ends while the dialog is open closes the devices that it looks at.
  watch(
    () => isOpen.value && !isCalled.value && media.camera === null && !media.isOpening,
    (isDark) => {
      if (isDark) void media.open();
    },
  );

  function asked(): Record<string, string> {
    try {
      return JSON.parse(localStorage.getItem(ASKED) ?? "{}") as Record<string, string>;
    } catch {
      return {};
    }
  }

  function isDue(): boolean {
    return asked()[me.clerk?.id ?? ""] !== dayOf(me.now());
  }

  function noteAsked(): void {
    if (me.clerk === null) return;
    const today = dayOf(me.now());
    const others = Object.entries(asked()).filter(([, day]) => day === today);
    localStorage.setItem(ASKED, JSON.stringify({ ...Object.fromEntries(others), [me.clerk.id]: today }));
  }

  return { isOpen, purpose, found, part, isCalled, before, open, measure, finish, leave, shut };
});
