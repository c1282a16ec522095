/** Asks the register about a QR code, and where it cannot be reached the lists on this device. */
import { ApiError } from "@/api/errors";
import { post } from "@/api/http";
import type { Verdict } from "@/api/shapes";
import type { OfflineFinding } from "@/offline/judge";
import type { CertificateCode } from "./code";

/** What was judged: what a QR code or a file holds, nobody has mistyped. */
export type Given = "number" | "code" | "file";

export type Finding =
  | { by: "register"; given: Given; verdict: Verdict }
  | { by: "lists"; at: number; standing: OfflineFinding };

/** With the paper in their hands people wait no longer than this. */
const PATIENCE = 8_000;

/** Judge a code; what the service refuses for a reason of its own is thrown, lists do not go round it. */
export async function askOfCode(code: CertificateCode): Promise<Finding> {
  if (navigator.onLine !== false) {
    try {
      const { number, token } = code;
      const verdict = await post<Verdict>("/api/verify/qr", { number, token }, PATIENCE);
      return { by: "register", given: "code", verdict };
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isUnknown) throw error;
    }
  }
  return askTheLists(code);
}

async function askTheLists(code: CertificateCode): Promise<Finding> {
  const { keptShelf, judgeByKept } = await import("@/offline");
  const at = Date.now();
  return { by: "lists", at, standing: await judgeByKept(await keptShelf(), code.text, at) };
}
