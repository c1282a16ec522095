/** The other ways on for a case than the next step: who may take which, and their words. */
import type { Item, Ticket } from "@/api/shapes";
import { type Standing, worksLocally, worksThere } from "./rights";

export type Ending = "abandon" | "withdraw" | "return" | "refuse" | "defer" | "promise";

export interface EndingWords {
  action: string;
  title: string;
  /** What will happen. */
  effect: string;
  done: string;
}

export const ENDINGS: Record<Ending, EndingWords> = {
  abandon: {
    action: "取消排队",
    title: "取消排队",
    effect: "不再等待属地接听，办件回到准备中，可以再次呼叫。",
    done: "已取消排队",
  },
  withdraw: {
    action: "撤回办件",
    title: "撤回办件",
    effect: "办件将结束，不能恢复；再办须新建办件。",
    done: "办件已撤回",
  },
  return: {
    action: "退回补正",
    title: "退回补正",
    effect: "窗口补齐后可再次呼叫。请一次性写明缺什么。",
    done: "已退回补正",
  },
  refuse: {
    action: "不予办理",
    title: "不予办理",
    effect: "办件将结束，不能恢复。请写明理由和法律依据。",
    done: "已决定不予办理",
  },
  defer: {
    action: "收件后办理",
    title: "收件后办理",
    effect: "通话后由您继续办理，到期前须签发证明或作出决定。",
    done: "已收件，通话后继续办理",
  },
  promise: {
    action: "告知承诺受理",
    title: "告知承诺受理",
    effect: "以群众的书面承诺代替证明，由窗口办结。",
    done: "已按告知承诺受理",
  },
};

/** Return the ways that are open to who sits here, in the order of the menu. */
export function endingsOf(at: Standing, item: Item | null, ticket: Ticket | null): Ending[] {
  const state = at.shown?.state;
  const found: Ending[] = [];
  if (worksThere(at) && state === "in_call") {
    found.push("return", "defer");
    if (item?.promise_allowed) found.push("promise");
  }
  if (worksThere(at)) found.push("refuse");
  if (worksLocally(at)) {
    if (state === "waiting" && ticket !== null) found.push("abandon");
    if (state !== "in_call") found.push("withdraw");
  }
  return found;
}
