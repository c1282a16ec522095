/** What happened to a case, in the citizen's words. */
import type { CaseState, Facing } from "@/api/shapes";

type Consent = NonNullable<Facing["consent"]>;

export const STEP_WORDS: Record<string, string> = {
  "case.opened": "窗口已受理",
  "ticket.taken": "已在属地排队",
  "ticket.abandoned": "已取消排队",
  "call.connected": "已与属地视频连线",
  "consent.given": "您已同意并签名",
  "consent.refused": "您未同意",
  "certificate.issued": "属地已出具证明",
  "certificate.revoked": "证明已作废",
  "certificate.superseded": "证明已更正，请使用新的证明",
  "case.reopened": "需要重新出具证明",
  "case.requeued": "通话中断，已保留原排队位置",
  "case.returned": "退回补正",
  "case.refused": "不予办理",
  "case.deferred": "属地收件，通话后继续办理",
  "case.promised": "已按告知承诺办理",
  "case.withdrawn": "已撤回",
  "case.settled": "本地业务已办结",
};

const SHOW_PAPERS = "请面向镜头，按窗口人员的提示出示证件。";

/** What the citizen may do beside the picture, by what they answered to the notice. */
export const BESIDE_WORDS: Record<Consent["state"], string> = {
  none: SHOW_PAPERS,
  asked: SHOW_PAPERS,
  given: SHOW_PAPERS,
  refused: "您没有同意告知内容，属地现在不能出具证明。如有疑问，或改变了主意，请告诉身边的窗口人员。",
};

/** The page keeps asking by itself: the citizen has pressed nothing, and has nothing to press. */
export const UNREACHED = "网络暂时不通，正在恢复。您的办件不会丢失，请稍候。";

/** How a case stands that is over for today, as the citizen before the screen should read it. */
export const FINISHED_WORDS: Partial<Record<CaseState, { title: string; next: string }>> = {
  certified: { title: "证明已出具", next: "" },
  settled: { title: "本次业务已办结", next: "感谢您的等候。" },
  returned: { title: "还需要再次办理", next: "窗口人员会告诉您还缺什么，备齐后会再次为您连线属地。" },
  refused: { title: "属地不予办理", next: "窗口人员会向您说明理由和法律依据。" },
  promised: { title: "已按告知承诺受理", next: "窗口人员会凭您的书面承诺为您办结。" },
  with_jurisdiction: { title: "属地已收件", next: "属地会继续办理，办好后窗口人员会通知您。" },
};

const RATEABLE: readonly CaseState[] = ["certified", "settled", "refused", "promised"];

/** Whether a case has come so far that the service may be rated. */
export const isRateable = (state: CaseState | undefined) => state !== undefined && RATEABLE.includes(state);
