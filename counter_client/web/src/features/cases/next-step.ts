/** The one next useful step of a case, and why it is closed when it is. */
import type { Case, Certificate, Item, ReviewStanding, Ticket } from "../../api/shapes";
import { hourMinute, lengthInWords } from "../../ui/time";
import { REVIEW_FAULTS } from "../../ui/words";

export type StepAction =
  | "call"
  | "ask-consent"
  | "check"
  | "fill"
  | "issue"
  | "review"
  | "settle"
  | "pickup"
  | "hang-up"
  | "none";

export interface Step {
  action: StepAction;
  label: string;
  /** Why it cannot be taken now; empty when it can. */
  closed: string;
  /** What it is still about, when it can. */
  hint: string;
}

export interface Situation {
  case: Case;
  item: Item | undefined;
  ticket: Ticket | null;
  /** What the case has of certificates, those that count no more included. */
  certificates?: Pick<Certificate, "state" | "pending_revocation">[];
  /** We act for the jurisdiction in this case (and hold its agent's seat). */
  asAgent: boolean;
  inCall: boolean;
  /** We sit in its call as a guest: the steps are others'. */
  asGuest?: boolean;
  /** Why we may not issue, if the service finds so. */
  barred?: string;
  /** How its review stands, where what is issued next needs one; null until that is known. */
  review?: ReviewStanding | null;
  /** The labels of fields whose text on the screen was not saved. */
  unsaved?: string[];
}

/** Say what comes next for this side of the case. */
export function nextStep(now: Situation): Step {
  if (now.asGuest) return step("none", "会商中", "由窗口和属地人员办理，您可看可说");
  return now.asAgent ? agentStep(now) : counterStep(now);
}

function counterStep({ case: shown, item, ticket, inCall, certificates, review, unsaved }: Situation): Step {
  switch (shown.state) {
    case "draft":
    case "returned":
      // The call in which it was returned ends first; what is missing may be brought meanwhile.
      if (inCall && shown.state === "returned") return step("hang-up", "结束通话", "", "补齐材料后可再次呼叫属地");
      return unsavedStep(unsaved) ?? step("call", "呼叫属地", lacking(shown, item));
    case "waiting":
      return step("none", "等待属地接听", waitingWords(ticket));
    case "in_call":
      return consentStep(shown) ?? awaitStep(review);
    case "certified":
      return step("settle", "本地办结", unusable(certificates));
    case "promised":
      return step("settle", "本地办结（告知承诺）");
    case "settled":
      if (inCall) return step("hang-up", "结束通话");
      if (haveAllFallen(certificates)) return step("none", "已办结", "证明已作废，请不要再交给群众");
      return step("pickup", "出示领取二维码");
    case "with_jurisdiction":
      return step("none", "等待属地办理", review?.fault === "pending" ? "属地已收件，正在复核" : "属地已收件，将在通话后完成");
    case "refused":
      if (inCall) return step("hang-up", "结束通话");
      return step("none", "已不予办理", "这个办件已经结束");
    case "withdrawn":
      return step("none", "已撤回", "这个办件已经结束");
  }
}

function agentStep(now: Situation): Step {
  const { case: shown, item, inCall, certificates, unsaved } = now;
  switch (shown.state) {
    case "in_call":
    case "with_jurisdiction":
      return consentStep(shown) ?? checkStep(shown) ?? unsavedStep(unsaved) ?? fillStep(shown, item) ?? issueStep(now);
    case "waiting":
    case "draft":
      return step("none", "等待接听", "来件响铃后请按“接听”");
    case "certified":
    case "settled":
      if (inCall) return step("hang-up", "结束通话");
      if (haveAllFallen(certificates)) return step("none", "已作废", "窗口不能再使用这份证明");
      return step("none", "已签发", shown.state === "settled" ? "窗口已办结" : "等待窗口办结");
    default:
      if (inCall) return step("hang-up", "结束通话");
      return step("none", "本次办理已结束", "这个办件没有待办的步骤");
  }
}

function consentStep(shown: Case): Step | null {
  switch (shown.consent.state) {
    case "given":
      return null;
    case "asked":
      return step("none", "等待群众签字", "群众正在对客屏上阅读告知书");
    case "refused":
      return step("ask-consent", "再次请群众确认告知书");
    case "none":
      // A case that waits for the jurisdiction has no citizen before the screen any more.
      if (shown.state !== "in_call") return step("none", "签发证明", "群众还没有同意告知书");
      return step("ask-consent", "请群众阅读告知书并签字");
  }
}

function checkStep(shown: Case): Step | null {
  const identity = shown.checks.filter((check) => check.kind === "identity");
  // The last word counts, as it does to the service.
  if (identity.at(-1)?.passed) return null;
  return step("check", identity.length > 0 ? "重新核验身份" : "记录身份核验");
}

/** The case holds another text than the screen shows: nothing is decided on before they agree. */
function unsavedStep(labels: string[] = []): Step | null {
  return labels.length > 0 ? step("fill", "改正没有保存的内容", "", `填写的内容没有保存：${labels.join("、")}`) : null;
}

function fillStep(shown: Case, item: Item | undefined): Step | null {
  const fields = emptyFields(shown, item, "jurisdiction");
  return fields.length > 0 ? step("fill", "填写属地信息", "", `还缺：${fields.join("、")}`) : null;
}

/** Issuing; where a second clerk must look first, what leads there. */
function issueStep({ case: shown, item, barred, review: standing }: Situation): Step {
  const closed = barred || localLack(shown, item);
  if (closed || standing === undefined) return step("issue", "签发证明", closed);
  if (standing === null) return step("issue", "签发证明", "正在查看是否须复核");
  const { fault, review } = standing;
  if (fault === "pending") return step("review", "等候复核", "", "已提请，另一位同事或值班长复核后才能签发");
  if (fault) return step("review", "提请复核", "", REVIEW_FAULTS[fault]);
  const until = review?.counts_until ? `，${hourMinute(review.counts_until)} 前可签发` : "";
  return step("issue", "签发证明", "", `${review?.closed_by_name ?? ""}复核通过${until}`);
}

/** What the counter, and the citizen with it, waits for in the call. */
function awaitStep(standing: Situation["review"]): Step {
  switch (standing?.fault) {
    case "pending":
      return step("none", "等候属地复核", "已提请属地另一位人员复核，同意后即可签发");
    case "declined":
      return step("none", "等待属地签发证明", "复核没有通过，属地正在核对");
    case null:
      return step("none", "等待属地签发证明", "复核已通过，属地即将签发");
    default:
      return step("none", "等待属地签发证明", "属地正在核验，签发后这里会变为“本地办结”");
  }
}

function localLack(shown: Case, item: Item | undefined): string {
  const words = lacking(shown, item);
  return words && `窗口${words}`;
}

function haveAllFallen(certificates: Situation["certificates"] = []): boolean {
  return certificates.length > 0 && certificates.every((one) => one.state !== "valid");
}

/** Why the counter cannot settle with any of these certificates; empty when it can, or none is known yet. */
export function unusable(certificates: Situation["certificates"] = []): string {
  if (haveAllFallen(certificates)) return "证明已作废，不能据此办结，请与属地联系";
  const counting = certificates.filter((one) => one.state === "valid");
  if (counting.length === 0 || counting.some((one) => !one.pending_revocation)) return "";
  return "属地已申请作废这份证明，请等复核有结果后再办结";
}

/** Say what the counter still has to bring before anyone is made to wait. */
export function lacking(shown: Case, item: Item | undefined): string {
  const fields = emptyFields(shown, item, "local");
  const materials = shown.missing_materials.map(
    (code) => item?.materials.find((kind) => kind.code === code)?.name ?? code,
  );
  const parts = [];
  if (materials.length > 0) parts.push(`还缺材料：${materials.join("、")}`);
  if (fields.length > 0) parts.push(`还没填写：${fields.join("、")}`);
  return parts.join("；");
}

export function emptyFields(
  shown: Case,
  item: Item | undefined,
  side: "local" | "jurisdiction",
): string[] {
  const written = new Map(shown.fields.map((field) => [field.name, field.value]));
  return (item?.fields ?? [])
    .filter((field) => field.side === side && field.required && !written.get(field.name))
    .map((field) => field.label);
}

function waitingWords(ticket: Ticket | null): string {
  if (ticket === null) return "正在排队";
  if (ticket.state === "offered") return "正在呼叫属地人员，等待接听";
  if (ticket.away) return "窗口刚才无人，正在恢复呼叫，位置没有变";
  const place = ticket.position > 0 ? `排在第 ${ticket.position} 位` : "正在排队";
  if (ticket.agents_ready === 0) return `${place}，属地暂无就绪人员`;
  return `${place}，预计等待 ${lengthInWords(ticket.estimated_wait_seconds)}`;
}

function step(action: StepAction, label: string, closed = "", hint = ""): Step {
  return { action, label, closed, hint };
}
