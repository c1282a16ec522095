/** Whether the call that I sit in is recorded, and the agent's word on it. */
import { defineStore } from "pinia";
import { computed } from "vue";
import { get, post } from "@/api/http";
import type { CallRecording } from "@/api/shapes";
import { failureWords, followRecording, recordedSince } from "@/features/recordings/light";
import { useCall } from "./call";
import { useLine } from "./line";

const LOOK_AGAIN_EVERY = 15_000;

export const useRecording = defineStore("recording", () => {
  const call = useCall();
  const line = useLine();
  const callId = () => (call.isOn && !call.isLost ? (call.call?.id ?? null) : null);
  const path = (rest = "") => `/api/calls/${call.call?.id}/recording${rest}`;
  const { shown, refresh } = followRecording({
    callId, ask: (id) => get<CallRecording>(`/api/calls/${id}/recording`), on: line.on,
  });

  const light = computed(() => shown.value?.light ?? "off");
  const since = computed(() => recordedSince(shown.value));
  const failure = computed(() => (light.value === "failed" ? failureWords(shown.value) : ""));

  /** Record, or go on after a pause or a failure. */
  async function start(): Promise<void> {
    shown.value = await post<CallRecording>(path());
  }

  async function pause(reason: string): Promise<void> {
    shown.value = await post<CallRecording>(path("/pause"), { reason });
  }

  line.onUp(() => void refresh());
  setInterval(() => {
    if (callId() !== null) void refresh();
  }, LOOK_AGAIN_EVERY);

  return { shown, light, since, failure, start, pause };
});
