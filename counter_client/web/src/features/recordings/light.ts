/** A call's red light, as anybody in the call sees it: asked for again whenever it may have changed. */
import { type Ref, ref, watch } from "vue";
import type { Heard } from "@/api/notices";
import type { CallRecording } from "@/api/shapes";
import { calm, inTurn } from "@/call/rush";

export type Light = CallRecording["light"];

export const LIGHT_WORDS: Record<Light, string> = {
  off: "",
  recording: "录制中",
  paused: "录制已暂停",
  failed: "录制失败",
};

/** Why a part ended that should have gone on. */
const FAILURES: Record<string, string> = {
  silent: "未收到录制内容",
  unkept: "录制内容存不下去，可能是存储已满",
  overflow: "录制内容积压过多",
  refused: "录制内容没有被接收",
  broken: "录制程序出错",
  worker_lost: "媒体中继断开",
  leg_lost: "视频连接断开",
  seat_moved: "视频连接已切换",
};

type News = "recording.changed" | "recording.failed";

interface Source {
  /** The call that is shown, if any. */
  callId: () => string | null;
  ask: (callId: string) => Promise<CallRecording>;
  on: <E extends News>(event: E, tell: (news: Heard[E]) => void) => unknown;
}

/** Keep the recording of the call that is shown; `ask` fails quietly, the next news asks again. */
export function followRecording({ callId, ask, on }: Source): {
  shown: Ref<CallRecording | null>;
  refresh: () => Promise<void>;
} {
  const shown = ref<CallRecording | null>(null);

  /** One question at a time: news comes in showers. */
  const refresh = inTurn(async () => {
    await calm();
    await askOnce();
  });

  async function askOnce(): Promise<void> {
    const wanted = callId();
    if (wanted === null) {
      shown.value = null;
      return;
    }
    try {
      const found = await ask(wanted);
      if (callId() === wanted) shown.value = found;
    } catch {
      // The last that was known stays: a light that goes out by itself would be a lie.
    }
  }

  watch(
    callId,
    () => {
      shown.value = null;
      void refresh();
    },
    { immediate: true },
  );
  for (const event of ["recording.changed", "recording.failed"] as const) {
    on(event, (news) => {
      if (news.call_id === callId()) void refresh();
    });
  }
  return { shown, refresh };
}

/** Since when the call is recorded; null while it never was. */
export function recordedSince(recording: CallRecording | null): string | null {
  const began = recording?.parts.map((part) => part.began_at).sort() ?? [];
  return began[0] ?? null;
}

/** Say why the recording has failed. */
export function failureWords(recording: CallRecording | null): string {
  const newest = new Map(recording?.parts.map((part) => [part.seat_id, part]));
  const failed = [...newest.values()].filter((part) => part.state === "failed");
  const sides = failed.map((part) => (part.side === "local" ? "窗口" : part.side === "remote" ? "属地" : "会商"));
  const why = FAILURES[failed[0]?.ended_for ?? ""] ?? "录制中断";
  return failed.length > 0 ? `${[...new Set(sides)].join("、")}一侧没有录上：${why}` : "";
}
