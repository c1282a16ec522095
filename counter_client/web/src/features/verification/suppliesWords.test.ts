import { expect, test } from "vitest";
import type { Supplies } from "@/offline/visit";
import { suppliesWords } from "./suppliesWords";

const READY: Supplies = { state: "ready", root: "a1", demo: false, issuedAt: Date.UTC(2026, 10, 29), missing: 0 };

test("nobody is promised to verify without network whose browser does not keep the page", () => {
  expect(suppliesWords(READY, true)).toBe("已备好，没有网络也能扫码核验。信任名单 2026-11-29 08:00。");
  expect(suppliesWords(READY, null)).toContain("正在把本页存到本机");
  expect(suppliesWords(READY, false)).toContain("不能离线打开本页");
});

test("nor is it who has not all lists, or none, or another root's", () => {
  expect(suppliesWords({ ...READY, missing: 3 }, true)).toContain("还有 3 份");
  expect(suppliesWords({ state: "none" }, true)).toContain("还没有备好");
  expect(suppliesWords({ state: "other_root", root: "a1", found: "b2" }, true)).toContain("没有采用");
});
