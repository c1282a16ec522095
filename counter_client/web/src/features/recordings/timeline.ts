/** Where each seat's films stand on one line of time, and where there is none. Plain functions. */
import type { Event, ViewedPart, Viewing } from "../../api/shapes";

/** A part on the line, in milliseconds since 1970. */
export interface Stretch {
  seat: string;
  part: ViewedPart;
  from: number;
  to: number;
}

/** Where nothing is recorded of a seat, and why. */
export interface Hole {
  seat: string;
  from: number;
  to: number;
  words: string;
}

export interface Span {
  from: number;
  to: number;
}

const REASONS: Record<string, string> = {
  worker_lost: "媒体中继断开",
  leg_lost: "视频连接断开",
  seat_moved: "视频连接已切换",
  seat_left: "已离开通话",
  consent_missing: "当事人未同意录制",
  silent: "未收到录制内容",
  unkept: "录制内容没有存下",
  overflow: "录制内容积压过多",
  refused: "录制内容没有被接收",
  broken: "录制程序出错",
};

/** Every part that can be played, in the order of time. */
export function stretchesOf(viewing: Viewing): Stretch[] {
  return viewing.parts
    .filter((part) => !part.purged && part.seconds > 0)
    .map((part) => {
      const from = Date.parse(part.began_at);
      return { seat: part.seat_id, part, from, to: from + part.seconds * 1000 };
    })
    .sort((one, other) => one.from - other.from);
}

/** From the first picture or word to the last. */
export function spanOf(stretches: readonly Stretch[]): Span {
  if (stretches.length === 0) return { from: 0, to: 0 };
  return {
    from: Math.min(...stretches.map((one) => one.from)),
    to: Math.max(...stretches.map((one) => one.to)),
  };
}

/** When the agent had the recording paused. */
export function pausesOf(events: readonly Event[], callId: string, end: number): Span[] {
  const found: Span[] = [];
  let since: number | null = null;
  for (const { kind, at, data } of events) {
    if (data.call_id !== callId) continue;
    if (kind === "recording.paused") since ??= Date.parse(at);
    else if (kind === "recording.resumed" && since !== null) {
      found.push({ from: since, to: Date.parse(at) });
      since = null;
    }
  }
  return since === null ? found : [...found, { from: since, to: end }];
}

/** Where a seat has no film between the line's ends; the log's reason where it gives one. */
export function holesOf(
  seat: string, stretches: readonly Stretch[], pauses: readonly Span[], events: readonly Event[], span: Span,
): Hole[] {
  const holes: Hole[] = [];
  let at = span.from;
  for (const one of [...stretches.filter((each) => each.seat === seat), null]) {
    const from = one?.from ?? span.to;
    if (from - at > 500) holes.push({ seat, from: at, to: from, words: reasonOf(one, events) });
    at = Math.max(at, one?.to ?? at);
  }
  return [...holes, ...pauses.map(({ from, to }) => ({ seat, from, to, words: "暂停录制" }))];
}

function reasonOf(next: Stretch | null, events: readonly Event[]): string {
  const gap = events.find(
    ({ kind, data }) => kind === "recording.gap" && data.recording_id === next?.part.id && data.after !== undefined,
  );
  return REASONS[String(gap?.data.reason)] ?? "没有录制";
}

/** The part of a seat that plays at a moment. */
export function playing(stretches: readonly Stretch[], seat: string, moment: number): Stretch | null {
  return stretches.find((one) => one.seat === seat && one.from <= moment && moment < one.to) ?? null;
}

/** The moment itself if something plays then, or the next one at which something does; null: none. */
export function nextMoment(stretches: readonly Stretch[], pauses: readonly Span[], moment: number): number | null {
  const pause = pauses.find((one) => one.from <= moment && moment < one.to);
  if (pause !== undefined) return nextMoment(stretches, pauses.filter((one) => one !== pause), pause.to);
  if (stretches.some((one) => one.from <= moment && moment < one.to)) return moment;
  const later = stretches.map((one) => one.from).filter((from) => from > moment);
  return later.length > 0 ? nextMoment(stretches, pauses, Math.min(...later)) : null;
}
