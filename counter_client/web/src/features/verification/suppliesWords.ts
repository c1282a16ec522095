/** What is said of the lists on this device, and of whether the page opens without network. */
import type { Supplies } from "@/offline/visit";
import { dayAndTime } from "@/ui/time";

/** `opens`: whether the browser keeps the page; null while that is not known yet. */
export function suppliesWords(kept: Supplies | null, opens: boolean | null): string {
  switch (kept?.state) {
    case undefined:
      return "正在准备离线核验…";
    case "none":
      return "还没有备好。请在有网络时打开本页。";
    case "other_root":
      return "服务器的信任名单换了根证书，与本机记住的不同，没有采用。请向发证单位核实后再清除重取。";
    case "kept":
      return `没有连上服务器，用 ${dayAndTime(kept.issuedAt)} 的信任名单。`;
    case "ready":
      if (opens === null) return "已更新信任名单，正在把本页存到本机…";
      if (!opens) return "已更新信任名单，但这个浏览器不能离线打开本页：离开网络前请不要关闭它。";
      return kept.missing
        ? `已更新信任名单；还有 ${kept.missing} 份状态名单没有取到，下次打开时再取。`
        : `已备好，没有网络也能扫码核验。信任名单 ${dayAndTime(kept.issuedAt)}。`;
  }
}
