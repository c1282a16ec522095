import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ApiError } from "../api/errors";
import { explain, explainApart, shortWords, WORDS } from "./errors";

const OURS = ["network.lost", "answer.unreadable"];

function codesOfTheService(): string[] {
  const source = readFileSync("../../server/errors.py", "utf8");
  const table = source.slice(source.indexOf("CODES"), source.indexOf("class ServiceError"));
  return [...table.matchAll(/^ {4}"([a-z_.]+)":/gm)].map((found) => found[1]!);
}

it("has words for every refusal of the service, and for none that it does not know", () => {
  const codes = codesOfTheService();
  expect(codes.length).toBeGreaterThan(60);
  expect(Object.keys(WORDS).filter((code) => !OURS.includes(code)).sort()).toEqual(codes.sort());
});

it.each(Object.keys(WORDS))("never shows the code of %s", (code) => {
  const words = explain(new ApiError(code, 400));
  expect(words).not.toContain(code);
  expect(words).not.toMatch(/undefined|null|[a-z]+\.[a-z]+/);
  expect(words).toMatch(/。$/);
});

it("says in which row and column of a table a refused value stands", () => {
  const inCell = new ApiError("money.malformed", 422, "x", { row: 3, column: "金额" });
  expect(shortWords(inCell)).toMatch(/^第3行“金额”：金额格式不对/);
  expect(shortWords(new ApiError("table.uneven", 422, "x", { row: 2 }))).toMatch(/^第2行：/);
  expect(shortWords(new ApiError("money.malformed", 422))).toMatch(/^金额格式不对/);
});

it("says that the case is unchanged where it was refused, and has words for what nobody thought of", () => {
  expect(explain(new ApiError("field.stale", 409))).toContain("办件没有改变");
  expect(explain(new TypeError("x is not a function"))).toContain("办件没有改变");
  expect(explain(new TypeError("x is not a function"))).not.toContain("function");
});

it.each(OURS)("does not say that the case is unchanged where nobody knows: %s", (code) => {
  expect(explain(new ApiError(code, 0))).not.toContain("办件没有改变");
});

it("says nothing of a case where there is none", () => {
  expect(explainApart(new ApiError("rate.exceeded", 429))).toBe("操作过于频繁。请稍等一分钟后重试。");
  expect(explainApart(new TypeError("x"))).not.toContain("办件");
});
