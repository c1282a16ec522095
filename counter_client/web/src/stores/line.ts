/** The staff socket, one for all stores of a tab. */
import { defineStore } from "pinia";
import { ref, shallowRef } from "vue";
import { ApiError } from "@/api/errors";
import type { Heard, Said } from "@/api/notices";
import { Line } from "@/api/socket";

export type LineState = "closed" | "connecting" | "up" | "down";

export const useLine = defineStore("line", () => {
  const state = ref<LineState>("closed");
  const line = shallowRef<Line | null>(null);
  /** Why the service closed the line, until it is up again; each time an error of its own. */
  const refusal = shallowRef<ApiError | null>(null);
  const ups = new Set<() => void>();
  const listeners = new Map<keyof Heard, Set<(object: never) => void>>();
  let refused: () => void = () => undefined;

  /** Open the line; `onRefused` asks over HTTP whether the login has ended. */
  function open(onRefused: () => void, given?: Line): void {
    if (line.value !== null) return;
    refused = onRefused;
    const opened = given ?? new Line("staff");
    line.value = opened;
    state.value = "connecting";
    for (const [event, tells] of listeners) for (const tell of tells) opened.on(event, tell as never);
    opened.onState((now, why) => {
      if (now === "up") {
        state.value = "up";
        refusal.value = null;
        for (const tell of ups) tell();
      } else {
        if (state.value === "up") state.value = "down";
        if (why) refusal.value = why;
        if (now === "refused") refused();
      }
    });
    opened.open();
  }

  function close(): void {
    line.value?.close();
    line.value = null;
    refusal.value = null;
    state.value = "closed";
  }

  /** Hear an event, on this line and on later ones. */
  function on<E extends keyof Heard>(event: E, tell: (object: Heard[E]) => void): void {
    const tells = listeners.get(event) ?? new Set();
    tells.add(tell as (object: never) => void);
    listeners.set(event, tells);
    line.value?.on(event, tell);
  }

  /** Be told after every (re)connection, and at once when the line is up: catch up then. */
  function onUp(tell: () => void): void {
    ups.add(tell);
    if (state.value === "up") tell();
  }

  /** Say something; refused with network.lost, or with why it was closed, while the line is down. */
  async function send<E extends keyof Said>(
    event: E,
    object: Said[E]["takes"],
  ): Promise<Said[E]["gives"]> {
    if (line.value === null) throw new ApiError("network.lost", 0);
    return line.value.send(event, object);
  }

  /** Say something that matters only now; that it is lost matters not. */
  function hint<E extends keyof Said>(event: E, object: Said[E]["takes"]): void {
    void send(event, object).catch(() => undefined);
  }

  return { state, line, refusal, open, close, on, onUp, send, hint };
});
