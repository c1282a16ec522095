/** The words of a case's log, line by line. */
import type { Cause, CheckKind, Difference, Event, Item, Origin, Outcome, VerdictKind } from "@/api/shapes";
import { CAUSES, CHECK_KINDS, ORIGINS, OUTCOMES, RECORDED_SIDES, VERDICTS } from "@/ui/words";
import { changed, tableWords } from "./table";

type Data = Record<string, unknown>;
type Words = (data: Data, item: Item | null) => string;

const text = (value: unknown) => (typeof value === "string" ? value : "");
const quoted = (value: unknown) => (text(value) ? `：${text(value)}` : "");
const APPLICANT: Record<string, string> = { applicant_id_number: "身份证号码", applicant_phone: "联系电话" };
const fieldLabel = (data: Data, item: Item | null) =>
  item?.fields.find((field) => field.name === data.name)?.label ?? APPLICANT[text(data.name)] ?? "一项信息";
const materialName = (kind: unknown, item: Item | null) => {
  const known = item?.materials.find((one) => one.code === kind)?.name;
  return known ?? (kind === "signature" ? "签名" : "其他材料");
};
/** A pause, and what was written before sides were, is of all sides. */
const recordedSide = (data: Data) => {
  const side = RECORDED_SIDES[text(data.side)];
  return side ? `（${side}一侧）` : "";
};
const missing = (data: Data) =>
  (Array.isArray(data.missing) ? (data.missing as { what: string; why: string }[]) : [])
    .map(({ what, why }) => (why ? `${what}（${why}）` : what))
    .join("、");

const changes = (value: unknown) => {
  const differences = Array.isArray(value) ? (value as Difference[]) : [];
  const words = differences.map((one) => {
    const { old, new: now } = changed(one.old, one.new);
    return `${one.label}由“${old || "无"}”改为“${now || "无"}”`;
  });
  return words.length > 0 ? `（${words.join("；")}）` : "";
};

const END_REASONS: Record<string, string> = {
  finished: "已谈完",
  line: "线路中断",
  citizen_left: "群众离开",
  other: "其他原因",
};

const DEPARTURES: Record<string, string> = { dismissed: "（由邀请人请离）", line: "（线路中断）" };

const WORDS: Record<string, Words> = {
  "case.opened": () => "新建办件",
  "field.changed": (data, item) => {
    if (!text(data.value)) return `清空${fieldLabel(data, item)}`;
    const isTable = item?.fields.find((field) => field.name === data.name)?.type === "table";
    return `填写${fieldLabel(data, item)}：${isTable ? tableWords(text(data.value)) : text(data.value)}`;
  },
  "value.revealed": (data, item) => `查看了${fieldLabel(data, item)}的完整内容`,
  "material.added": (data, item) =>
    `存入${materialName(data.kind, item)}（${ORIGINS[data.origin as Origin] ?? "材料"}）`,
  "material.ticked": (data) =>
    `${data.side === "local" ? "本地" : "属地"}${data.accepted ? "认可" : "不认可"}一份材料`,
  "material.removed": (data) => `移除一份材料${quoted(data.reason)}`,
  "check.recorded": (data) =>
    `${CHECK_KINDS[data.kind as CheckKind] ?? "核验"}${data.passed ? "通过" : "不通过"}${quoted(data.remark)}`,
  "consent.asked": () => "请群众阅读告知书",
  "consent.given": () => "群众同意告知书并签字",
  "consent.refused": () => "群众不同意告知书",
  "ticket.taken": () => "呼叫属地，开始排队",
  "ticket.abandoned": (data) => `取消排队${quoted(data.why)}`,
  "ticket.paused": () => "窗口无人，暂停呼叫，保留排队位置",
  "ticket.resumed": () => "窗口有人，恢复呼叫",
  "offer.made": () => "属地人员响铃",
  "offer.declined": (data) => `属地人员谢绝来件${quoted(data.reason)}`,
  "offer.missed": () => "属地人员没有接听",
  "offer.accepted": () => "属地人员接听",
  "call.connected": () => "视频接通",
  "call.relayed": () => "视频经媒体中继",
  "call.moved": (data) => (data.topology === "relay" ? "视频线路已切换" : "视频改为直连"),
  "chat.said": (data) => `说：${text(data.text)}`,
  "person.confirmed": () => "线路恢复后，窗口确认仍是本人",
  "recording.started": (data) => `开始录音录像${recordedSide(data)}`,
  "recording.chunk": () => "存入一段录音录像",
  "recording.gap": (data) => `录音录像有缺口${recordedSide(data)}`,
  "recording.paused": (data) => `暂停录音录像${quoted(data.reason)}`,
  "recording.resumed": (data) => `恢复录音录像${recordedSide(data)}`,
  "recording.ended": (data) => `录音录像结束${recordedSide(data)}`,
  "recording.failed": (data) => `录音录像失败${recordedSide(data)}`,
  "recording.viewed": (data) => `查阅录音录像${quoted(data.reason)}`,
  "recording.purged": (data) => `录音录像到期销毁${recordedSide(data)}`,
  "export.requested": (data) => `导出录音录像${quoted(data.reason)}`,
  "export.finished": () => "导出的录音录像已合成",
  "export.failed": () => "录音录像导出失败",
  "export.cancelled": () => "取消导出录音录像",
  "export.downloaded": () => "下载导出的录音录像",
  "export.purged": () => "导出的录音录像到期销毁",
  "adviser.invited": (data) => `邀请${text(data.name)}会商`,
  "adviser.declined": (data) => `${text(data.name)}谢绝会商${quoted(data.reason)}`,
  "adviser.missed": (data) => `${text(data.name)}没有回应会商邀请`,
  "adviser.joined": (data) => `${text(data.name)}加入会商`,
  "adviser.left": (data) => `${text(data.name)}离开会商${DEPARTURES[text(data.reason)] ?? ""}`,
  "invitation.withdrawn": (data) => `不再邀请${text(data.name)}会商`,
  "observer.joined": (data) => `督导${text(data.name)}开始旁听`,
  "observer.left": (data) => `督导${text(data.name)}结束旁听${DEPARTURES[text(data.reason)] ?? ""}`,
  "call.interrupted": () => "视频中断，正在重连",
  "call.ended": (data) => `通话结束（${END_REASONS[text(data.reason)] ?? "其他原因"}）${quoted(data.remark)}`,
  "seat.taken": () => "入席",
  "still.requested": (data, item) => `请求拍摄${materialName(data.kind, item)}`,
  "still.filed": () => "拍摄件已存入材料",
  "still.refused": (data) => `没有拍摄${quoted(data.reason)}`,
  "still.missed": () => "拍摄没有按时完成",
  "case.returned": (data) => `退回补正：${missing(data)}`,
  "case.refused": (data) => `不予办理${quoted(data.reason)}（依据${quoted(data.basis)}）`,
  "case.deferred": (data) => `属地收件，${text(data.due_on)}前办理${quoted(data.remark)}`,
  "case.promised": (data) => `按告知承诺受理${quoted(data.text)}`,
  "case.reopened": () => "已没有有效证明，办件恢复办理",
  "case.requeued": () => "通话中断，回到原来的排队位置",
  "case.withdrawn": (data) => `撤回办件${quoted(data.reason)}`,
  "certificate.issued": (data) => `签发证明 ${text(data.number)}`,
  "certificate.verified": (data) =>
    `机器核验证明：${VERDICTS[data.verdict as VerdictKind] ?? "已核验"}`,
  "certificate.copied": (data) => `从登记簿取得证明的第 ${Number(data.copy) || 0} 份副本${quoted(data.reason)}`,
  "evidence.exported": (data) => `导出证明的全套证据${quoted(data.reason)}`,
  "certificate.revoked": (data) =>
    `${text(data.asked_by) ? `复核同意${text(data.asked_by)}的申请，` : ""}作废证明${quoted(data.reason)}`,
  "certificate.superseded": (data) => `更正证明${quoted(data.reason)}${changes(data.differences)}`,
  "revocation.requested": (data) => `申请作废证明，等待复核${quoted(data.reason)}`,
  "revocation.declined": (data) => `复核不同意作废证明${quoted(data.reason)}`,
  "revocation.withdrawn": () => "撤回作废证明的申请",
  "review.requested": (data) => {
    const why = text(data.label) ? `（${text(data.label)}超过 ${text(data.above)}）` : "";
    return `提请复核后签发${text(data.title)}${why}${quoted(data.reason)}`;
  },
  "review.read": (data) => `为复核${text(data.title)}，查看了办件的完整内容`,
  "review.approved": (data) => `复核同意${text(data.asked_by)}签发${text(data.title)}${quoted(data.remark)}`,
  "review.declined": (data) => `复核不同意签发${text(data.title)}${quoted(data.reason)}`,
  "review.withdrawn": (data) => (data.replaced ? "内容已变动，原提请的复核作废" : "撤回提请的复核"),
  "recall.made": (data) =>
    `证明${CAUSES[data.cause as Cause] ?? "失效"}，已通知据此办结的窗口，等待确认`,
  "recall.acknowledged": (data) =>
    `窗口确认证明失效：${OUTCOMES[data.outcome as Outcome] ?? "已确认"}${quoted(data.remark)}`,
  "case.settled": (data) => `本地办结，业务流水号 ${text(data.reference)}`,
  "receipt.sent": () => "证明使用回执已送属地",
  "pickup.minted": () => "生成领取二维码",
  "pickup.claimed": () => "群众用手机领取",
  "rating.given": (data) => `群众评价 ${Number(data.level) || 0} 分${quoted(data.remark)}`,
};

/** Say what one line of the log is about; a kind that we do not know is still a line. */
export function describe(event: Event, item: Item | null): string {
  const words = WORDS[event.kind];
  return words ? words(event.data, item) : "其他记录";
}

/** Say who did it. */
export function actorName(event: Event): string {
  if (event.actor.kind === "citizen") return "办事人";
  return event.actor.kind === "service" ? "系统" : event.actor.name;
}

/** What the log keeps for the proof and nobody reads: a line every few seconds. */
export const QUIET: ReadonlySet<string> = new Set(["recording.chunk"]);

export const LOG_KINDS = Object.keys(WORDS);
