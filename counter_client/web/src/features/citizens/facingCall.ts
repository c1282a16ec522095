/** The facing screen's part in a call: it takes its seat, sees the agent, and sends nothing. */
import { type Ref, ref, shallowRef } from "vue";
import { get } from "@/api/http";
import type { Call } from "@/api/shapes";
import type { Line } from "@/api/socket";
import { CallSession } from "@/call/call";

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
  const session = new CallSession({
    send: (to, signal) => {
      if (current) void line.send("signal.sent", { call_id: current, to, ...signal }).catch(() => undefined);
    },
  });
  session.on("remote", (streams) => {
    picture.value = (streams.find((one) => one.kind === "camera") ?? streams[0])?.stream ?? null;
  });
  session.on("state", (said) => (state.value = said));
  const stops = [
    line.on("signal.received", (signal) => session.hear(signal)),
    line.on("call.changed", (news) => {
      if (news.call_id === current) void refresh();
    }),
    line.onState((said) => {
      if (said === "up" && current) void take(current);
    }),
  ];

  async function take(callId: string): Promise<void> {
    try {
      session.update(await line.send("seat.taken", { call_id: callId }));
    } catch {
      // The call is over, or the line is down; the next notice or reconnection tries again.
    }
  }

  /** Taking the seat again would change its epoch, so only ask how the call is. */
  async function refresh(): Promise<void> {
    if (!current) return;
    session.expectChange();
    try {
      session.update(await get<Call>(`/api/facing/calls/${current}`));
    } catch {
      session.close();
    }
  }

  function join(callId: string | null): void {
    if (callId === current) return;
    session.close();
    picture.value = null;
    state.value = "connecting";
    current = callId;
    if (callId && line.isUp) void take(callId);
  }

  function leave(): void {
    for (const stop of stops) stop();
    session.close();
  }

  return { picture, state, join, leave };
}
