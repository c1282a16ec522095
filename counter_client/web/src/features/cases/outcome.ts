/** How a case was decided, read from its log. */
import type { CaseState, Event } from "@/api/shapes";

export interface Outcome {
  event: Event;
  title: string;
  missing: { what: string; why: string }[];
  lines: string[];
  /** It was returned once and is on its way again: what was missing is still worth a look. */
  isPast: boolean;
}

/** By which event a case came into a state; after a return it goes on with what was missing. */
const DECIDED_BY: Partial<Record<CaseState, string>> = {
  returned: "case.returned",
  waiting: "case.returned",
  in_call: "case.returned",
  refused: "case.refused",
  with_jurisdiction: "case.deferred",
  promised: "case.promised",
  withdrawn: "case.withdrawn",
};

const TITLES: Record<string, string> = {
  "case.returned": "属地退回补正，请补齐后再次呼叫",
  "case.refused": "属地不予办理",
  "case.deferred": "属地已收件，通话后继续办理",
  "case.promised": "按告知承诺受理，可凭承诺办结",
  "case.withdrawn": "办件已撤回",
};

/** Return what was decided last; null while nothing is. */
export function outcomeOf(state: CaseState, events: readonly Event[]): Outcome | null {
  const kind = DECIDED_BY[state];
  const event = [...events].reverse().find((one) => one.kind === kind);
  if (event === undefined) return null;
  const isPast = state === "waiting" || state === "in_call";
  const title = isPast ? "此前退回补正，缺的是" : (TITLES[event.kind] ?? "");
  const missing = (event.data.missing ?? []) as Outcome["missing"];
  return { event, title, missing, lines: linesOf(event.data), isPast };
}

function linesOf(data: Event["data"]): string[] {
  const words: [string, unknown][] = [
    ["办理期限", data.due_on],
    ["承诺内容", data.text],
    ["理由", data.reason],
    ["法律依据", data.basis],
    ["说明", data.remark],
  ];
  return words.filter(([, value]) => value).map(([name, value]) => `${name}：${String(value)}`);
}
