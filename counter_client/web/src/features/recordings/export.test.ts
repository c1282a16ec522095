import { expect, test } from "vitest";
import type { ExportJob } from "@/api/shapes";
import { exportWords, isUnderWay } from "./export";

const job = (state: string, more: object = {}) =>
  ({ state, progress: 42, code: null, damage: null, mine: true, asked_by_name: "方值班", ...more }) as unknown as ExportJob;

test("each state has its words", () => {
  expect(exportWords(null)).toBe("");
  expect(exportWords(job("queued"))).toBe("排队中");
  expect(exportWords(job("composing"))).toBe("正在合成 42 %");
  expect(exportWords(job("ready"))).toBe("可下载");
  expect(exportWords(job("ready", { mine: false }))).toBe("方值班已导出，填写理由后可下载");
  expect(exportWords(job("composing", { mine: false }))).toBe("方值班正在导出，填写理由后也可下载");
  expect(["queued", "composing", "ready", "failed"].filter((state) => isUnderWay(job(state)))).toEqual(["queued", "composing"]);
});

test("a failure says why, and which chunk is to blame", () => {
  expect(exportWords(job("failed", { code: "disk.full" }))).toBe("失败：服务器磁盘空间不足，请联系管理员");
  const damage = { side: "remote", part: 1, chunk: 4 };
  expect(exportWords(job("failed", { code: "recording.altered", damage }))).toBe(
    "失败：属地一侧第 1 段录制的第 4 个片段缺失或与留痕不符，请联系管理员核查存储",
  );
});
