/** How a case was decided, read from its log. */
import type { CaseState, Event } from "@/api/shapes";

export interface Outcome {
  event: Event;
  title: string;
  missing: { what: string; why: string }[];
  lines: string[];
  /** It was returned or reopened once and is on its way again: why is still worth a look. */
  isPast: boolean;
}

const SENT_BACK = ["case.returned", "case.reopened"];

/** By which events a case came into a state; after a return it goes on with what was missing. */
const DECIDED_BY: Partial<Record<CaseState, string[]>> = {
  returned: SENT_BACK,
  waiting: SENT_BACK,
  in_call: SENT_BACK,
  refused: ["case.refused"],
  with_jurisdiction: ["case.deferred"],
  promised: ["case.promised"],
  withdrawn: ["case.withdrawn"],
};

const TITLES: Record<string, string> = {
  "case.returned": "属地退回补正，请补齐后再次呼叫",
  "case.reopened": "证明已作废，请再次呼叫属地",
  "case.refused": "属地不予办理",
  "case.deferred": "属地已收件，通话后继续办理",
  "case.promised": "按告知承诺受理，可凭承诺办结",
  "case.withdrawn": "办件已撤回",
};

const PAST_TITLES: Record<string, string> = {
  "case.returned": "此前退回补正，缺的是",
  "case.reopened": "此前签发的证明已作废",
};

/** Return what was decided last; null while nothing is. */
export function outcomeOf(state: CaseState, events: readonly Event[]): Outcome | null {
  const kinds = DECIDED_BY[state] ?? [];
  const event = [...events].reverse().find((one) => kinds.includes(one.kind));
  if (event === undefined) return null;
  const isPast = state === "waiting" || state === "in_call";
  const title = (isPast ? PAST_TITLES : TITLES)[event.kind] ?? "";
  const missing = (event.data.missing ?? []) as Outcome["missing"];
  return { event, title, missing, lines: linesOf(event.data), isPast };
}

function linesOf(data: Event["data"]): string[] {
  const words: [string, unknown][] = [
    ["原证明编号", data.number],
    ["办理期限", data.due_on],
    ["承诺内容", data.text],
    ["理由", data.reason],
    ["法律依据", data.basis],
    ["说明", data.remark],
  ];
  return words.filter(([, value]) => value).map(([name, value]) => `${name}：${String(value)}`);
}
