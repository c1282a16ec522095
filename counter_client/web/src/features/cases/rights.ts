/** Which controls to offer whom; the service decides all the same, these only spare a refusal. */
import type { Case, Clerk } from "@/api/shapes";

export interface Standing {
  shown: Case | null;
  me: Clerk | null;
  holdsSeat: boolean;
}

const AT_COUNTER = ["draft", "waiting", "in_call", "returned"];
const AFTER_THE_CALL = ["with_jurisdiction", "certified"];
const IN_JURISDICTION = ["in_call", "with_jurisdiction"];

const acts = (at: Standing, role: "counter" | "agent") => at.me?.roles.includes(role) ?? false;

/** Whether a case in one of these states is the local side's, and a counter clerk sits here. */
function isLocalIn(at: Standing, states: string[]): boolean {
  const { shown } = at;
  if (shown === null || !acts(at, "counter")) return false;
  return ["local", "both"].includes(shown.side) && states.includes(shown.state);
}

/** Whether who sits here works on the case for the local side now. */
export function worksLocally(at: Standing): boolean {
  return isLocalIn(at, AT_COUNTER);
}

/** Whether who sits here works on the case for the jurisdiction now: as its agent, in the call. */
export function worksThere(at: Standing): boolean {
  const { shown } = at;
  if (shown === null || !acts(at, "agent")) return false;
  if (!["jurisdiction", "both"].includes(shown.side) || !IN_JURISDICTION.includes(shown.state)) return false;
  return at.holdsSeat || (shown.state === "with_jurisdiction" && shown.agent?.id === at.me?.id);
}

/** Whether who sits here may have a masked value shown whole; the log keeps that they did. */
export const mayReveal = (at: Standing) =>
  worksThere(at) || isLocalIn(at, [...AT_COUNTER, ...AFTER_THE_CALL]);

export const mayWork = (at: Standing) => worksLocally(at) || worksThere(at);

export const mayEdit = (at: Standing, side: "local" | "jurisdiction") =>
  side === "local" ? worksLocally(at) : worksThere(at);

/** Whether who sits here speaks for the jurisdiction in this case. */
export function isAgentOf(at: Standing): boolean {
  if (at.shown === null) return false;
  if (at.shown.side === "jurisdiction") return true;
  return at.shown.side === "both" && !acts(at, "counter");
}
