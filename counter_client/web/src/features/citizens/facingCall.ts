/** The facing screen's part in a call: it takes its seat, sees the agent, and sends nothing. */
import { type Ref, ref, shallowRef } from "vue";
import { ApiError } from "@/api/errors";
import { get } from "@/api/http";
import type { Said } from "@/api/notices";
import type { Call } from "@/api/shapes";
import type { Line } from "@/api/socket";
import { CallSession } from "@/call/call";
import { watchNetwork } from "@/call/network";
import { Relay } from "@/call/relay";
import { takeSeat } from "@/call/seat";

const SAY_AGAIN_AFTER = 600;

export interface FacingCall {
  picture: Ref<MediaStream | null>;
  state: Ref<"connecting" | "connected" | "interrupted">;
  join: (callId: string | null) => void;
  leave: () => void;
}

export function useFacingCall(line: Line): FacingCall {
  const picture = shallowRef<MediaStream | null>(null);
  const state = ref<"connecting" | "connected" | "interrupted">("connecting");
  let current: string | null = null;
  let hasSeat = false;
  let isTaking = false;
  let seen: MediaStream | null = null;
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

  session.on("remote", (streams) => {
    const now = (streams.find((one) => one.kind === "camera") ?? streams[0])?.stream ?? null;
    if (now === seen) return;
    seen = now;
    // Only the workbench beside it has a voice: here there is nothing that could be heard.
    picture.value = now && new MediaStream(now.getVideoTracks());
  });
  session.on("state", (said) => (state.value = said));
  const stops = [
    line.on("signal.received", (signal) => session.hear(signal)),
    line.on("call.changed", (news) => {
      if (news.call_id === current) void refresh();
    }),
    line.onState((said) => {
      if (said !== "up") return;
      relay.resume();
      if (current) void take(current);
    }),
    watchNetwork({ changed: () => relay.renew(), leaving: () => relay.release() }),
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
    if (call.id === current) session.update(call);
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
      if (callId && !hasSeat && !isTaking && line.isUp) void take(callId);
      return;
    }
    hasSeat = false;
    session.close();
    picture.value = null;
    state.value = "connecting";
    current = callId;
    if (callId) relay.want({ call_id: callId });
    else relay.release();
    if (callId && line.isUp) void take(callId);
  }

  function leave(): void {
    for (const stop of stops) stop();
    session.close();
    relay.release();
  }

  return { picture, state, join, leave };
}
