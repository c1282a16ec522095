import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Event, Item } from "@/api/shapes";
import { actorName, describe, LOG_KINDS } from "./log";

const item = {
  fields: [{ name: "months", label: "缴费月数" }],
  materials: [{ code: "id-card", name: "身份证" }],
} as unknown as Item;

const event = (kind: string, data: Record<string, unknown> = {}, actor = "staff") =>
  ({ kind, data, actor: { kind: actor, name: "程坐席" } }) as unknown as Event;

test("every kind of the protocol's log has words", () => {
  const protocol = readFileSync("../../docs/protocol.md", "utf8");
  const listed = /Kinds in the log: `([^`]+)`/.exec(protocol)![1]!.split(/\s+/);
  expect([...LOG_KINDS].sort()).toEqual([...listed].sort());
});

test("a changed field is told by its label and value", () => {
  expect(describe(event("field.changed", { name: "months", value: "120" }), item)).toBe("填写缴费月数：120");
  expect(describe(event("field.changed", { name: "months", value: null }), item)).toBe("清空缴费月数");
});

test("who saw the applicant's whole number is told of by what was seen", () => {
  expect(describe(event("value.revealed", { name: "applicant_id_number" }), item)).toBe("查看了身份证号码的完整内容");
  expect(describe(event("value.revealed", { name: "months" }), item)).toBe("查看了缴费月数的完整内容");
});

test("a return names what is missing and why", () => {
  const data = { missing: [{ what: "身份证", why: "模糊" }, { what: "银行卡", why: "" }] };
  expect(describe(event("case.returned", data), item)).toBe("退回补正：身份证（模糊）、银行卡");
});

test("a recording is told of with its side, where the log names one", () => {
  expect(describe(event("recording.gap", { side: "local" }), item)).toBe("录音录像有缺口（窗口一侧）");
  expect(describe(event("recording.ended", { side: "remote" }), item)).toBe("录音录像结束（属地一侧）");
  expect(describe(event("recording.resumed", { call_id: "c1" }), item)).toBe("恢复录音录像");
});

test("an unknown kind shows no raw code", () => {
  expect(describe(event("something.new"), item)).toBe("其他记录");
});

test("the citizen and the service are named as such", () => {
  expect(actorName(event("rating.given", {}, "citizen"))).toBe("办事人");
  expect(actorName(event("offer.missed", {}, "service"))).toBe("系统");
  expect(actorName(event("case.opened"))).toBe("程坐席");
});
