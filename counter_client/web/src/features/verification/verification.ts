/** What the verification page asks and shows: one finding, or why there is none. */
import { ref, shallowRef } from "vue";
import { ApiError } from "@/api/errors";
import { post, upload } from "@/api/http";
import type { Verdict } from "@/api/shapes";
import { explainApart } from "@/ui/errors";
import { ungrouped } from "@/ui/values";
import { askOfCode, type Finding, type Given } from "./asking";
import { codeOf, type CertificateCode } from "./code";

const LARGEST_FILE = 5 * 1024 * 1024;
const LONGEST_NUMBER = 120;
const NEEDS_NETWORK = "没有网络，不能按编号或文件核验。请扫描证明上的二维码离线核验，或联网后再试。";
const UNREAD = "没能读取所选的文件。请选择一个 PDF 文件，不要选文件夹；文件如已移动或删除，请重新选择。";
const NOT_PREPARED = "没有网络，本机也还没有备好离线核验。请联网打开一次本页后再试。";

export function useVerification() {
  const finding = shallowRef<Finding | null>(null);
  const failure = ref("");
  const busy = ref(false);
  /** Counts what was asked: an answer about an earlier certificate comes too late. */
  let turn = 0;

  function clear(): void {
    turn++;
    busy.value = false;
    failure.value = "";
    finding.value = null;
  }

  /** Refuse without asking anybody; what was found of the last certificate must not stand beside it. */
  function refuse(words: string): void {
    clear();
    failure.value = words;
  }

  /** `unread`: what is said when the browser cannot read what it was given, whatever the network does. */
  async function check(ask: () => Promise<Finding>, lost: string, unread = lost): Promise<void> {
    clear();
    const mine = turn;
    busy.value = true;
    try {
      const found = await ask();
      if (mine === turn) finding.value = found;
    } catch (error) {
      const isTold = error instanceof ApiError && error.code !== "network.lost";
      const isUnread = error instanceof DOMException;
      if (mine === turn) failure.value = isTold ? explainApart(error) : isUnread ? unread : lost;
    } finally {
      if (mine === turn) busy.value = false;
    }
  }

  /** Without network by the lists that are kept. */
  function byQr(code: CertificateCode): Promise<void> {
    return check(() => askOfCode(code), NOT_PREPARED);
  }

  /** A QR code's whole text in the place of the number is as good as scanned. */
  async function byCode(typedNumber: string, typedCode: string): Promise<void> {
    const pasted = codeOf(ungrouped(typedNumber));
    if (pasted) return byQr(pasted);
    const [number, check_code] = [bare(typedNumber), bare(typedCode)];
    if (!number || !check_code) {
      return refuse("请填写证明编号和校验码，两者都印在证明左下角。");
    }
    if (number.length > LONGEST_NUMBER) {
      return refuse("证明编号太长，其中有多余的内容。请照证明左下角的编号填写。");
    }
    await check(() => fromRegister("number", post<Verdict>("/api/verify", { number, check_code })), NEEDS_NETWORK);
  }

  async function byFile(file: File | undefined): Promise<void> {
    if (!file) return;
    if (file.size > LARGEST_FILE) {
      return refuse("文件超过 5 MB，不是本系统签发的证明。");
    }
    const pdf = new Blob([file], { type: "application/pdf" });
    await check(() => fromRegister("file", upload<Verdict>("/api/verify/file", pdf)), NEEDS_NETWORK, UNREAD);
  }

  return { finding, failure, busy, clear, byQr, byCode, byFile };
}

/** A number or code without the words beside it, such as 编号, and with the dots that an input method made its own. */
function bare(typed: string): string {
  return ungrouped(typed).replace(/[。·]/g, ".").replace(/[^0-9A-Za-z.]/g, "");
}

async function fromRegister(given: Given, asked: Promise<Verdict>): Promise<Finding> {
  return { by: "register", given, verdict: await asked };
}
