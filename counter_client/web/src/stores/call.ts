/** The call I sit in: my seat, the others' pictures, stills and the pointer. */
import { defineStore } from "pinia";
import { computed, markRaw, ref, shallowRef, watch } from "vue";
import { ApiError } from "@/api/errors";
import { get, post } from "@/api/http";
import type { Departure, Said, Switches } from "@/api/notices";
import type { Call, EndReason, Still } from "@/api/shapes";
import { authorityFault } from "@/call/authority";
import { CallSession, type Effort, type RemoteStream } from "@/call/call";
import type { Rung } from "@/call/ladder";
import { type Kind, nameOf } from "@/call/naming";
import { watchNetwork } from "@/call/network";
import { Once } from "@/call/once";
import type { Quality } from "@/call/quality";
import { beginRush, calm, inTurn } from "@/call/rush";
import { takeSeat } from "@/call/seat";
import { LineWatch } from "@/call/watch";
import { useLine } from "./line";
import { useMedia } from "./media";
import { forget, remember, remembered } from "./mine";
import { useRelay } from "./relay";

const POINTER_LASTS = 1_500;
const SIGNAL_AGAIN_AFTER = 600;
const LOOK_AGAIN_EVERY = 15_000;

export interface Pointer {
  from: string;
  stream: string;
  x: number;
  y: number;
}

export const useCall = defineStore("call", () => {
  const line = useLine();
  const media = useMedia();
  const { relay } = useRelay();
  const call = ref<Call | null>(null);
  const remote = shallowRef<RemoteStream[]>([]);
  const link = ref<"connecting" | "connected" | "interrupted">("connecting");
  /** What is being tried while there is no picture. */
  const effort = ref<Effort>("none");
  /** When this clerk's part of the call began, by the page's clock. */
  const acceptedAt = ref<number | null>(null);
  const quality = ref<Quality | null>(null);
  /** How much of us the line carries. */
  const sends = ref<Rung>("full");
  /** My seat is being taken: the camera must not be let go of meanwhile. */
  const isJoining = ref(false);
  /** Another tab has taken my seat. */
  const isLost = ref(false);
  /** The last call that ended in this tab, and why. */
  const ended = ref<{ caseId: string; reason: EndReason } | null>(null);
  /** Why my seat as a guest ended while the call went on. */
  const departed = ref<Departure | null>(null);
  /** A still that is asked of this counter's camera. */
  const wanted = ref<Still | null>(null);
  /** The last still that came to an end. */
  const closedStill = ref<Still | null>(null);
  const pointers = shallowRef<Pointer[]>([]);
  /** What the others said is on of theirs, by their seats. */
  const switches = ref<Record<string, Switches>>({});
  const mySeat = computed(() => call.value?.seats.find((seat) => seat.id === call.value?.my_seat));
  const isLocal = computed(() => mySeat.value?.side === "local");
  /** Whether I may go without ending the call for all, and whether I only look on. */
  const isGuest = computed(() => isGuestIn(call.value));
  const isObserver = computed(() => mySeat.value?.side === "observer");
  /** Why I may not act for the jurisdiction, as its agent, if the service finds so. */
  const barred = computed(() => {
    const found = mySeat.value?.side === "remote" ? call.value?.authority : null;
    const fault = found ? authorityFault(found) : "";
    return fault && `您目前不能签发：${fault.replace("对方", "您")}`;
  });
  const isOn = computed(() => call.value !== null && call.value.state !== "ended");
  const others = computed(() => call.value?.seats.filter((seat) => seat.id !== call.value?.my_seat) ?? []);

  let session: CallSession | null = null;
  const watcher = new LineWatch();
  let taking: Promise<void> | null = null;
  /** Several pieces of news say that a call has started: they share one joining. */
  let joining: { callId: string; work: Promise<void> } | null = null;

  /**
   * Take my seat in a call with what camera and microphone there are; again after a reload. What is
   * known of the call already is shown meanwhile.
   */
  async function join(callId: string, known?: Call): Promise<void> {
    if (call.value?.id === callId && session !== null && !isLost.value) return;
    if (joining?.callId !== callId) {
      const work = reallyJoin(callId, known).finally(() => {
        if (joining?.work !== work) return;
        joining = null;
        isJoining.value = false;
      });
      joining = { callId, work };
      isJoining.value = true;
    }
    await joining.work;
  }

  /**
   * A call begins here, by a click or by its notice: send what our devices give, before anything is
   * asked of the service. A relay passes nothing on before the call has its seats.
   */
  function prepare(): void {
    if (session !== null) return;
    acceptedAt.value = performance.now();
    beginRush();
    // Connections from one seat to another begin with the seats.
    if (relay.state !== "connected") return;
    session = begin();
    shareAll();
  }

  /** The call that was prepared does not come about. */
  function cancel(): void {
    if (call.value === null) letGo();
  }

  async function reallyJoin(callId: string, known?: Call): Promise<void> {
    if (call.value !== null && call.value.id !== callId) leave();
    isLost.value = false;
    ended.value = departed.value = null;
    // Who only looks on has nothing to send.
    const opening = known !== undefined && sideIn(known) === "observer" ? null : media.open();
    // Over a relay the pictures come before the seat is taken.
    if (known?.topology === "relay") {
      session ??= begin();
      meet(known);
      await calm();
      if (call.value?.id !== callId) return;
    }
    const taken = take(callId);
    if (known !== undefined) {
      // A connection is made in the time that the service takes to answer.
      session?.begin(known);
      shareAll();
    }
    await Promise.all([opening, taken]);
    shareAll();
  }

  async function take(callId: string): Promise<void> {
    taking ??= reallyTake(callId).finally(() => (taking = null));
    await taking;
  }

  async function reallyTake(callId: string): Promise<void> {
    const mine = (session ??= begin());
    mine.expectChange();
    const taken = await takeSeat(line.send, callId, relay.legId);
    if (session !== mine) return;
    meet(taken);
  }

  async function move(legId: string): Promise<void> {
    const [mine, id] = [session, call.value?.id];
    const moved = id && (await line.send("seat.moved", { call_id: id, leg_id: legId }));
    if (moved && session === mine && call.value?.id === id) meet(moved);
  }

  function begin(): CallSession {
    const opened = markRaw(new CallSession({ send: signal, relay, move }));
    link.value = "connecting";
    opened.on("remote", (streams) => (remote.value = streams));
    opened.on("state", (state) => {
      link.value = state;
      if (call.value !== null) line.hint("seat.reported", { call_id: call.value.id, state });
    });
    opened.on("effort", (tried) => (effort.value = tried));
    opened.on("connection", (connection) => watcher.follow(connection));
    return opened;
  }

  /** The call that I sit in, or am coming into: the other side may speak before my seat is answered for. */
  const current = () => call.value?.id ?? joining?.callId;

  function signal(to: string, said: Parameters<ConstructorParameters<typeof CallSession>[0]["send"]>[1]): void {
    const callId = current();
    if (callId === undefined) return;
    const message = { call_id: callId, to, ...said };
    void line.send("signal.sent", message).catch((error: unknown) => {
      // Many candidates at once may be more than the line allows in a second.
      if (!isRefusedAs(error, "rate.exceeded")) return;
      setTimeout(() => line.hint("signal.sent", message), SIGNAL_AGAIN_AFTER);
    });
  }

  function meet(found: Call): void {
    if (found.state === "ended") {
      finish(found.case_id, found.end_reason ?? "other");
      return;
    }
    // The notice that a guest's seat has ended was lost.
    if (found.my_seat === null && isGuestIn(call.value)) {
      goAway("line");
      return;
    }
    call.value = found;
    remember(found);
    session?.update(found);
    tellSwitches();
  }

  const switched = new Once((said: Said["devices.switched"]["takes"]) => line.hint("devices.switched", said));

  /** Let the others know why they hear or see nothing; who has come just now has not heard it yet. */
  function tellSwitches(): void {
    if (!isOn.value || isLost.value || isObserver.value) return;
    const { id, seats } = call.value!;
    switched.tell({ call_id: id, ...media.on, sends: sends.value }, seats.map((seat) => [seat.id, seat.since]));
  }

  function shareAll(): void {
    for (const kind of ["camera", "screen", "document"] as const) {
      if (media[kind] !== null) session?.share(kind, media[kind]);
    }
  }

  watcher.on("quality", (seen) => (quality.value = seen));
  watcher.on("rung", (rung) => {
    sends.value = rung;
    session?.ease(rung);
    tellSwitches();
  });

  /** The call changed: ask for it; what is signalled meanwhile waits. */
  const readAgain = inTurn(async () => {
    // The first pictures of both halls come without it.
    await calm();
    const asked = call.value;
    if (asked === null || session === null || isLost.value) return;
    session.expectChange();
    let found = asked;
    try {
      found = await get<Call>(`/api/calls/${asked.id}`);
    } finally {
      // Also after a failure: signals must not be held for ever.
      if (call.value?.id === asked.id) meet(found);
    }
  });

  async function hangUp(reason: EndReason, remark: string): Promise<void> {
    const asked = call.value;
    if (asked === null) return;
    try {
      await post(`/api/calls/${asked.id}/hang-up`, { reason, remark });
    } catch (error) {
      if (!isRefusedAs(error, "call.over")) throw error;
    }
    finish(asked.case_id, reason);
  }

  /** Leave a call that goes on without me, as an adviser or observer. */
  async function depart(): Promise<void> {
    const asked = call.value;
    if (asked === null) return;
    try {
      await post(`/api/calls/${asked.id}/departure`);
    } catch (error) {
      if (!isRefusedAs(error, "call.over", "action.forbidden")) throw error;
    }
    if (call.value?.id === asked.id) goAway("left");
  }

  function goAway(why: Departure): void {
    departed.value = why;
    leave();
    media.close();
  }

  function finish(caseId: string, reason: EndReason): void {
    if (call.value === null) return;
    ended.value = { caseId, reason };
    leave();
    media.close();
  }

  function leave(): void {
    forget();
    letGo();
    call.value = null;
    isLost.value = false;
    quality.value = wanted.value = null;
    pointers.value = [];
    switches.value = {};
    link.value = "connecting";
  }

  function letGo(): void {
    watcher.reset();
    sends.value = "full";
    session?.close();
    session = null;
    remote.value = [];
    effort.value = "none";
    acceptedAt.value = null;
  }

  async function refuseStill(reason: string): Promise<void> {
    const asked = wanted.value;
    wanted.value = null;
    if (asked !== null) await post(`/api/stills/${asked.id}/refusal`, { reason });
  }

  function share(kind: "screen" | "document", stream: MediaStream | null): void {
    if (stream === null) media.stop(kind);
    session?.share(kind, stream);
  }

  /** Whenever the camera opens, before the seat is taken or long after, it is sent. */
  watch(
    () => media.camera,
    (stream) => {
      relay.expect("camera", stream);
      if (stream !== null) session?.share("camera", stream);
    },
    { flush: "sync" },
  );

  function point(stream: string, x: number, y: number): void {
    if (call.value !== null) line.hint("pointer.moved", { call_id: call.value.id, stream, x, y });
  }

  line.on("signal.received", (heard) => session?.hear(heard));
  line.on("call.changed", (news) => {
    if (news.call_id !== current()) return;
    if (news.taken) session?.hearTaken(news.taken.seat_id, news.taken.since);
    void readAgain().catch(() => undefined);
  });
  line.on("call.ended", (news) => {
    if (news.call_id === call.value?.id) finish(news.case_id, news.reason);
  });
  line.on("seat.lost", (news) => {
    if (news.call_id !== call.value?.id) return;
    isLost.value = true;
    forget();
    letGo();
    media.close();
  });
  line.on("seat.ended", (news) => {
    if (news.call_id === call.value?.id && isGuest.value) goAway(news.reason);
  });
  line.on("still.requested", (still) => {
    if (still.call_id === call.value?.id) wanted.value = still;
  });
  line.on("still.closed", (still) => {
    if (still.call_id !== call.value?.id) return;
    closedStill.value = still;
    if (wanted.value?.id === still.id) wanted.value = null;
  });
  line.on("pointer.moved", (news) => {
    if (news.call_id !== call.value?.id || news.from === call.value.my_seat) return;
    const { from, stream, x, y } = news;
    const moved = { from, stream, x, y };
    pointers.value = [...pointers.value.filter((known) => known.from !== from), moved];
    setTimeout(() => {
      pointers.value = pointers.value.filter((known) => known !== moved);
    }, POINTER_LASTS);
  });
  watch(() => media.on, tellSwitches);
  line.on("devices.switched", ({ call_id, from, ...seen }) => {
    if (call_id === call.value?.id) switches.value = { ...switches.value, [from]: seen };
  });
  line.onUp(() => {
    // A new socket holds no seat yet. A tab that has lost its seat does not take it back unasked.
    const asked = call.value;
    if (asked !== null && session !== null && !isLost.value) {
      void take(asked.id).catch(over);
    }
  });
  watchNetwork({
    changed: () => {
      // The Call brings servers that still take us.
      void readAgain().catch(() => undefined).then(() => session?.restart());
    },
  });
  setInterval(() => {
    if (isOn.value && !isLost.value) void readAgain().catch(() => undefined);
  }, LOOK_AGAIN_EVERY);

  /** The call was over before we came back. */
  function over(error: unknown): void {
    const isOver = isRefusedAs(error, "call.over", "call.unknown");
    if (isOver && call.value !== null) finish(call.value.case_id, "line");
  }

  return {
    call, remote, link, effort, acceptedAt, quality, sends, isJoining, isLost, ended, departed, wanted, closedStill, pointers, switches,
    mySeat, isLocal, isGuest, isObserver, barred, isOn, others,
    prepare, cancel, join, remembered, hangUp, depart, leave, refuseStill, share, point,
    streamName: (seat: string, kind: Kind) => nameOf(seat, kind),
  };
});

const sideIn = (call: Call | null) => call?.seats.find((seat) => seat.id === call.my_seat)?.side;
const isGuestIn = (call: Call | null) => ["adviser", "observer"].includes(sideIn(call) ?? "");

function isRefusedAs(error: unknown, ...codes: string[]): boolean {
  return error instanceof ApiError && codes.includes(error.code);
}
