/** What happened to a case, in the citizen's words. */
export const STEP_WORDS: Record<string, string> = {
  "case.opened": "窗口已受理",
  "ticket.taken": "已在属地排队",
  "ticket.abandoned": "已取消排队",
  "call.connected": "已与属地视频连线",
  "consent.given": "您已同意并签名",
  "consent.refused": "您未同意",
  "certificate.issued": "属地已出具证明",
  "certificate.revoked": "证明已作废",
  "case.requeued": "通话中断，已保留原排队位置",
  "case.returned": "退回补正",
  "case.refused": "不予办理",
  "case.deferred": "属地收件，通话后继续办理",
  "case.promised": "已按告知承诺办理",
  "case.withdrawn": "已撤回",
  "case.settled": "本地业务已办结",
};
