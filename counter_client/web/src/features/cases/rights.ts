/** Which controls to offer whom; the service decides all the same, these only spare a refusal. */
import type { Case, Clerk } from "@/api/shapes";

export interface Standing {
  now: Case | null;
  me: Clerk | null;
  holdsSeat: boolean;
}

const AT_COUNTER = ["draft", "waiting", "in_call", "returned"];
const IN_JURISDICTION = ["in_call", "with_jurisdiction"];

const acts = (at: Standing, role: "counter" | "agent") => at.me?.roles.includes(role) ?? false;

/** Whether who sits here works on the case for the local side now. */
export function worksLocally(at: Standing): boolean {
  const { now } = at;
  if (now === null || !acts(at, "counter")) return false;
  return ["local", "both"].includes(now.side) && AT_COUNTER.includes(now.state);
}

/** Whether who sits here works on the case for the jurisdiction now: as its agent, in the call. */
export function worksThere(at: Standing): boolean {
  const { now } = at;
  if (now === null || !acts(at, "agent")) return false;
  if (!["jurisdiction", "both"].includes(now.side) || !IN_JURISDICTION.includes(now.state)) return false;
  return at.holdsSeat || (now.state === "with_jurisdiction" && now.agent?.id === at.me?.id);
}

export const mayWork = (at: Standing) => worksLocally(at) || worksThere(at);

export const mayEdit = (at: Standing, side: "local" | "jurisdiction") =>
  side === "local" ? worksLocally(at) : worksThere(at);

/** Whether who sits here speaks for the jurisdiction in this case. */
export function isAgentOf(at: Standing): boolean {
  if (at.now === null) return false;
  if (at.now.side === "jurisdiction") return true;
  return at.now.side === "both" && !acts(at, "counter");
}
