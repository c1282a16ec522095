/** Where a clerk begins. */
import type { Clerk } from "@/api/shapes";

export const ROLE_NAMES: Record<Clerk["roles"][number], string> = {
  counter: "窗口人员",
  agent: "属地人员",
  supervisor: "值班长",
  administrator: "管理员",
  citizen: "办事人",
  device: "对客屏",
  worker: "媒体中继",
};

/** Whether the workbench has anything for them. */
export const worksAtDesk = (clerk: Clerk | null) =>
  clerk?.roles.some((role) => role === "counter" || role === "agent") ?? false;

/** The page after signing in: a supervisor who does neither job watches the board. */
export function homeOf(clerk: Clerk | null): string {
  if (worksAtDesk(clerk)) return "/";
  return clerk?.roles.includes("supervisor") ? "/board" : "/";
}
