/** The words of states and kinds, one place for all pages. */
import type { AgentState, CaseState, Cause, CheckKind, Origin, Outcome, ReviewCause, ReviewFault, Standing, VerdictKind } from "../api/shapes";

export const CASE_STATES: Record<CaseState, string> = {
  draft: "准备中",
  waiting: "排队中",
  in_call: "通话中",
  with_jurisdiction: "属地收件",
  certified: "已出证",
  settled: "已办结",
  returned: "退回补正",
  refused: "不予办理",
  promised: "告知承诺",
  withdrawn: "已撤回",
};

export const AGENT_STATES: Record<AgentState, string> = {
  offline: "未就绪",
  ready: "就绪",
  offered: "来件响铃",
  on_call: "通话中",
  wrap_up: "整理中",
  break: "暂离",
};

export const CHECK_KINDS: Record<CheckKind, string> = {
  identity: "身份核验",
  material: "材料核验",
  eligibility: "资格核验",
  other: "其他核验",
};

export const ORIGINS: Record<Origin, string> = {
  upload: "上传",
  document_camera: "高拍仪",
  still: "拍摄留存",
  signature: "签名",
};

/** Who is recorded, by their seats. */
export const RECORDED_SIDES: Record<string, string> = { local: "窗口", remote: "属地", adviser: "会商" };

export const CAUSES: Record<Cause, string> = { revoked: "作废", superseded: "更正" };

/** Why nothing may be issued yet where a second clerk must approve it. */
export const REVIEW_FAULTS: Record<ReviewFault, string> = {
  missing: "须由另一位同事或值班长复核后才能签发",
  pending: "等待复核",
  declined: "复核不同意，请核对后重新提请",
  changed: "提请后办件内容或材料已变动，须重新提请复核",
  expired: "复核同意已超过 30 分钟，须重新提请复核",
  used: "上次复核的证明已签发，重新签发须再提请复核",
  own: "复核人不能签发自己复核的证明，须由另一位同事复核",
  reviewer_gone: "复核人的账号已停用或不再负责本事项，须重新提请复核",
};

/** Why a review is asked for. */
export const reviewCause = ({ label, above }: ReviewCause): string =>
  label ? `${label}超过 ${Number(above).toLocaleString("zh-CN")}` : "本证明一律须复核";

/** What a hall did about what it had settled with a certificate that fell. */
export const OUTCOMES: Record<Outcome, string> = {
  recovered: "已追回",
  reviewed: "已复核",
  nothing_needed: "无需处理",
};

/** Where a certificate stands today. */
export const STANDINGS: Record<Standing, string> = {
  valid: "有效",
  expired: "已过有效期",
  revoked: "已作废",
  superseded: "已被新证明取代",
};

export const VERDICTS: Record<VerdictKind, string> = {
  genuine: "真实有效",
  altered: "内容被改动",
  unknown: "查无此证",
  revoked: "已作废",
  superseded: "已被新证明取代",
  expired: "已过有效期",
  unreadable: "文件无法识别",
  cannot_tell: "暂时无法判断",
};
