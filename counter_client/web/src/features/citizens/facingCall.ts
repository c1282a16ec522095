/** The facing screen's part in a call: it takes its seat, sees who speaks, and sends nothing. */
import { computed, type ComputedRef, type Ref, ref, shallowRef } from "vue";
import { ApiError } from "@/api/errors";
import { get } from "@/api/http";
import type { Said } from "@/api/notices";
import type { Call, Seat } from "@/api/shapes";
import type { Line } from "@/api/socket";
import { CallSession, type RemoteStream } from "@/call/call";
import type { Rung } from "@/call/ladder";
import { watchNetwork } from "@/call/network";
import { Relay } from "@/call/relay";
import { takeSeat } from "@/call/seat";

const SAY_AGAIN_AFTER = 600;

export interface Adviser {
  seat: Seat;
  picture: MediaStream | null;
}

export interface FacingCall {
  /** The agent's picture. */
  picture: Ref<MediaStream | null>;
  advisers: ComputedRef<Adviser[]>;
  /** The call as it was last heard of. */
  known: Ref<Call | null>;
  state: Ref<"connecting" | "connected" | "interrupted">;
  /** Another window of this screen shows the call in this one's place, until it is taken back. */
  isElsewhere: Ref<boolean>;
  takeBack: () => void;
  /** What the lines of the halls carry. */
  theirs: ComputedRef<Rung>;
  ours: ComputedRef<Rung>;
  join: (callId: string | null) => void;
  leave: () => void;
}

export function useFacingCall(line: Line): FacingCall {
  const known = shallowRef<Call | null>(null);
  const pictures = shallowRef(new Map<string, MediaStream>());
  const of = (side: string) => known.value?.seats.filter((seat) => seat.side === side) ?? [];
  const pictureOf = (seat: Seat | undefined) => (seat && pictures.value.get(seat.id)) ?? null;
  const picture = computed(() => pictureOf(of("remote")[0]));
  const advisers = computed(() => of("adviser").map((seat) => ({ seat, picture: pictureOf(seat) })));
  const state = ref<"connecting" | "connected" | "interrupted">("connecting");
  const lines = ref<Record<string, Rung>>({});
  const lineOf = (side: string) => lines.value[of(side)[0]?.id ?? ""] ?? "full";
  const theirs = computed(() => lineOf("remote"));
  const ours = computed(() => lineOf("local"));
  let current: string | null = null;
  const isElsewhere = ref(false);
  let hasSeat = false;
  let isTaking = false;
  const seen = new Map<MediaStream, MediaStream>();
  const relay = new Relay({ say: (event, object) => line.send(event, object), sends: false });
  const session = new CallSession({
    send: (to, signal) => {
      if (current) say({ call_id: current, to, ...signal });
    },
    relay,
    move: async (legId) => {
      if (current) meet(await line.send("seat.moved", { call_id: current, leg_id: legId }));
    },
  });
  /** Many candidates at once may be more than the line allows in a second. */
  function say(signal: Said["signal.sent"]["takes"], isAgain = false): void {
    void line.send("signal.sent", signal).catch((error: unknown) => {
      const isTooFast = error instanceof ApiError && error.code === "rate.exceeded";
      if (isTooFast && !isAgain) setTimeout(() => say(signal, true), SAY_AGAIN_AFTER);
    });
  }

  /** Only the workbench beside it has a voice: here there is nothing that could be heard. */
  function silent({ stream }: RemoteStream): MediaStream {
    const made = seen.get(stream) ?? new MediaStream(stream.getVideoTracks());
    seen.set(stream, made);
    return made;
  }
  session.on("remote", (streams) => {
    const cameras = streams.filter((one) => one.kind === "camera");
    pictures.value = new Map(cameras.map((one) => [one.seat, silent(one)]));
    for (const gone of seen.keys()) if (!cameras.some((one) => one.stream === gone)) seen.delete(gone);
  });
  session.on("state", (said) => (state.value = said));
  const stops = [
    line.on("signal.received", (signal) => session.hear(signal)),
    line.on("devices.switched", ({ call_id, from, sends }) => {
      if (call_id === current) lines.value = { ...lines.value, [from]: sends };
    }),
    line.on("call.changed", (news) => {
      if (news.call_id === current) void refresh();
    }),
    line.on("seat.lost", (news) => {
      if (news.call_id !== current) return;
      isElsewhere.value = true;
      hasSeat = false;
      session.close();
    }),
    line.onState((said) => {
      if (said !== "up" || isElsewhere.value) return;
      relay.resume();
      if (current) void take(current);
    }),
    watchNetwork({
      changed: () => {
        relay.renew();
        void refresh().then(() => session.restart());
      },
      leaving: () => relay.release(),
    }),
  ];
  relay.follow((event, tell) => stops.push(line.on(event, tell)));

  async function take(callId: string): Promise<void> {
    isTaking = true;
    try {
      session.expectChange();
      meet(await takeSeat((event, object) => line.send(event, object), callId, relay.legId));
      hasSeat = callId === current;
    } catch {
      // The call is over, or the line is down: the next look or reconnection tries again.
      hasSeat = false;
    } finally {
      isTaking = false;
    }
  }

  function meet(call: Call): void {
    if (call.id !== current) return;
    known.value = call;
    if (!isElsewhere.value) session.update(call);
  }

  /** Taking the seat again would change its epoch, so only ask how the call is. */
  async function refresh(): Promise<void> {
    if (!current) return;
    session.expectChange();
    try {
      meet(await get<Call>(`/api/facing/calls/${current}`));
    } catch {
      // The picture goes on: the next notice asks again, and the end of the call is told apart.
    }
  }

  function join(callId: string | null): void {
    if (callId === current) {
      if (isElsewhere.value) return;
      if (callId && !hasSeat && !isTaking && line.isUp) void take(callId);
      else if (hasSeat) void refresh();
      return;
    }
    hasSeat = isElsewhere.value = false;
    session.close();
    known.value = null;
    state.value = "connecting";
    lines.value = {};
    current = callId;
    if (callId) relay.want({ call_id: callId });
    else relay.release();
    if (callId && line.isUp) void take(callId);
  }

  function takeBack(): void {
    isElsewhere.value = false;
    if (current) void take(current);
  }

  function leave(): void {
    for (const stop of stops) stop();
    session.close();
    relay.release();
  }

  return { picture, advisers, known, state, theirs, ours, isElsewhere, join, takeBack, leave };
}
