/** What both sides wrote in a call, read from its case's log. */
import type { Event } from "../../api/shapes";

export interface Remark {
  seq: number;
  at: string;
  name: string;
  text: string;
  isMine: boolean;
}

/** Return the remarks of one call, oldest first. */
export function remarksOf(events: readonly Event[], callId: string, me: string): Remark[] {
  return events
    .filter(({ kind, data }) => kind === "chat.said" && data.call_id === callId)
    .map(({ seq, at, actor, data }) => ({
      seq, at, name: actor.name, text: String(data.text ?? ""), isMine: actor.id === me,
    }));
}

/** Count those of the others after the last one that was seen. */
export function unreadOf(remarks: readonly Remark[], seen: number): number {
  return remarks.filter((remark) => !remark.isMine && remark.seq > seen).length;
}
