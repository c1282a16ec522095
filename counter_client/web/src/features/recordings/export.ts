/** What stands on the screen of a call's export. Plain functions. */
import type { ExportJob } from "../../api/shapes";
import { RECORDED_SIDES } from "../../ui/words";

const FAILURES: Record<string, string> = {
  "recording.purged": "录音录像已到保存期限，已经销毁",
  "recording.missing": "这次通话没有可以导出的内容",
  "disk.full": "服务器磁盘空间不足，请联系管理员",
  "export.broken": "合成程序出错，请重试；仍不成功请联系管理员",
  "export.interrupted": "合成多次被中断，请稍后重试",
};

/** Whether somebody works on it or is about to. */
export const isUnderWay = (job: ExportJob | null) => job?.state === "queued" || job?.state === "composing";

/** Why there is no film, with the chunk that is to blame if one is. */
export function failureOf({ code, damage }: ExportJob): string {
  if (code === "recording.altered" && damage) {
    return `${RECORDED_SIDES[damage.side] ?? ""}一侧第 ${damage.part} 段录制的第 ${damage.chunk} 个片段缺失或与留痕不符，请联系管理员核查存储`;
  }
  return FAILURES[code ?? ""] ?? "发生未知错误，请联系管理员";
}

/** How far it is, in a few words; nothing where nothing is to be said. */
export function exportWords(job: ExportJob | null): string {
  // Who has not asked for it is not told how far it is.
  if (job && isUnderWay(job) && !job.mine) return `${job.asked_by_name}正在导出，填写理由后也可下载`;
  switch (job?.state) {
    case "queued":
      return "排队中";
    case "composing":
      return `正在合成 ${job.progress} %`;
    case "ready":
      return job.mine ? "可下载" : `${job.asked_by_name}已导出，填写理由后可下载`;
    case "failed":
      return `失败：${failureOf(job)}`;
    case "cancelled":
      return "上次导出已取消";
    case "expired":
      return "上次导出的文件已到期销毁，可重新导出";
    default:
      return "";
  }
}
