/** What each verdict means, in a sentence that says what to do. */
import type { VerdictKind } from "@/api/shapes";
import type { Given } from "./asking";

export const VERDICT_REASONS: Record<VerdictKind, string> = {
  genuine: "该证明由所示机关签发，内容未被改动，目前有效。请核对下列信息与手中的证明一致。",
  altered: "文件与签发时的内容不一致，请勿采信。请向持证人索取原始文件，或向出具机关核实。",
  unknown: "没有找到与所填信息相符的证明。请核对编号和校验码，或改用证明上的二维码核验。",
  revoked: "该证明已被出具机关作废，不能再使用。",
  superseded: "该证明已被新的证明取代，请使用新证明。",
  expired: "该证明是真实的，但已过有效期。",
  unreadable: "无法读取该文件。请选择原始的 PDF 证明文件，不要使用照片或扫描件。",
  cannot_tell: "核验所需的信任清单已过期，暂时无法给出结论。请稍后再试。",
};

/** Why there is no such certificate, by what was judged: only a number can be mistyped. */
export const UNKNOWN_REASONS: Record<Given, string> = {
  number: VERDICT_REASONS.unknown,
  code: "二维码不是本系统签发的，或者被改动过，请勿采信。请向持证人索取原始文件，或向出具机关核实。",
  file: "文件不是本系统签发的证明，请勿采信。请向持证人索取原始文件，或向出具机关核实。",
};
