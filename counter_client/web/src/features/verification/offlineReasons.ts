/** What the lists on this device say of a code, in a sentence that says what to do. */
import type { Reason } from "@/offline/standing";
import { dayAndTime } from "@/ui/time";

const ONLINE = "请联网后再核验";

export const OFFLINE_REASONS: Record<Reason, string> = {
  listed_as_valid:
    "二维码由信任名单中的机关签署，状态名单记载该证明有效。请核对下列信息与手中的证明一致。",
  listed_as_revoked: "状态名单记载，该证明已被出具机关作废，不能再使用。",
  listed_as_superseded: "状态名单记载，该证明已被新的证明取代，请使用新证明。",
  past_its_last_day: "该证明是真实的，但已过有效期。",
  no_listed_key_signed_it: `二维码不是信任名单中的机关签署的，或者被改动过，请勿采信。如证明是刚出具的，${ONLINE}。`,
  the_address_names_another_number: "二维码的网址与其中签署的证明编号不一致，请勿采信，并向出具机关核实。",
  listed_as_not_issued: "状态名单中没有这份证明，请勿采信，并向出具机关核实。",
  the_trust_list_is_too_old: `本机的信任名单已过期，或本机的日期不对，不能给出结论。${ONLINE}。`,
  there_is_no_status_list: `本机没有该机关这一年的状态名单，不知道证明是否仍然有效。${ONLINE}。`,
  the_status_list_is_too_old: `本机的状态名单已过期，或本机的日期不对，不知道证明是否仍然有效。${ONLINE}。`,
  no_listed_key_signed_the_status_list: `本机的状态名单无法验证，不知道证明是否仍然有效。${ONLINE}。`,
  the_status_list_is_of_another_issuer_or_year: `本机的状态名单与该证明不符，不知道证明是否仍然有效。${ONLINE}。`,
  issued_since_the_status_list: `证明是在本机的状态名单之后出具的，名单中还没有它。${ONLINE}。`,
  there_is_no_trust_list: "本机还没有信任名单，不能离线核验。请先联网打开一次本页。",
};

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** When a list was made and how long ago that is: 2026-11-29 08:00（3 小时前）. */
export function ageWords(at: number, now: number): string {
  return `${dayAndTime(at)}（${ago(now - at)}）`;
}

function ago(length: number): string {
  if (length < 0) return "晚于本机时间";
  if (length < HOUR) return "不到 1 小时前";
  if (length < DAY) return `${Math.floor(length / HOUR)} 小时前`;
  return `${Math.floor(length / DAY)} 天前`;
}
