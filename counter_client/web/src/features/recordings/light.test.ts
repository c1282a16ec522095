import { expect, test, vi } from "vitest";
import { ref } from "vue";
import type { CallRecording } from "@/api/shapes";
import { failureWords, followRecording, recordedSince } from "./light";

const part = (seat: string, side: string, state: string, more: object = {}) =>
  ({ id: `${seat}${state}`, seat_id: seat, side, state, began_at: "2026-11-22T04:00:00Z", ...more });
const recording = (light: string, ...parts: object[]) =>
  ({ call_id: "c", light, parts }) as unknown as CallRecording;

test("the newest part of a seat tells whether it failed, and why", () => {
  const found = recording(
    "failed",
    part("a", "local", "failed", { ended_for: "silent" }), part("a", "local", "recording"),
    part("b", "remote", "failed", { ended_for: "worker_lost" }),
  );
  expect(failureWords(found)).toBe("属地一侧没有录上：媒体中继断开");
  expect(failureWords(recording("recording", part("a", "local", "recording")))).toBe("");
});

test("the time runs from the first part on", () => {
  const found = recording(
    "recording",
    part("b", "remote", "recording", { began_at: "2026-11-22T04:05:00Z" }), part("a", "local", "ended"),
  );
  expect(recordedSince(found)).toBe("2026-11-22T04:00:00Z");
  expect(recordedSince(null)).toBeNull();
});

test("the light is asked for again at news of this call, and stays when nobody answers", async () => {
  const callId = ref<string | null>("c");
  const tells: ((news: { call_id: string }) => void)[] = [];
  const ask = vi.fn(() => Promise.resolve(recording("recording")));
  const { shown, refresh } = followRecording({
    callId: () => callId.value, ask, on: (_event, tell) => tells.push(tell as never),
  });
  await refresh();
  expect(shown.value?.light).toBe("recording");
  const before = ask.mock.calls.length;
  tells.forEach((tell) => tell({ call_id: "another" }));
  expect(ask).toHaveBeenCalledTimes(before);
  tells.forEach((tell) => tell({ call_id: "c" }));
  await refresh();
  // Three words of news at once, and no more than two questions.
  expect(ask).toHaveBeenCalledTimes(before + 2);
  ask.mockRejectedValueOnce(new Error("no line"));
  await refresh();
  expect(shown.value?.light).toBe("recording");
  callId.value = null;
  await refresh();
  expect(shown.value).toBeNull();
});
