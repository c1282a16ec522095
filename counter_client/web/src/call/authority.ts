/** Why an agent may not act on a case, in plain words. */
import type { Authority } from "@/api/shapes";

const FAULTS: Record<Exclude<Authority["verdict"], "valid">, string> = {
  account_disabled: "对方账号已停用",
  region_foreign: "对方不属于本办件的属地",
  item_foreign: "对方不受理本事项",
  office_missing: "属地没有出具本事项证明的机关",
};

/** Say what speaks against an agent; "" where nothing does. */
export const authorityFault = ({ verdict }: Authority) => (verdict === "valid" ? "" : FAULTS[verdict]);
