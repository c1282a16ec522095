import { expect, test } from "vitest";
import type { Item } from "../../api/shapes";
import { asksAnything, copyOf, kindsOf, NOTHING, queryOf } from "./query";

test("an empty form asks for everything", () => {
  expect(asksAnything({ ...NOTHING, number: "  " })).toBe(false);
  expect(queryOf(NOTHING)).toEqual({
    number: "", issuer: "", kind: "", standing: null, issued_from: null, issued_to: null, issued_by: "", id_number: "",
    after: null,
  });
});

test("what was typed is asked for without the blanks around it", () => {
  const asked = { ...NOTHING, number: " 0017 ", standing: "revoked" as const, issuedFrom: "2026-11-01" };
  expect(asksAnything(asked)).toBe(true);
  expect(queryOf(asked)).toMatchObject({ number: "0017", standing: "revoked", issued_from: "2026-11-01" });
});

test("a copy's number is read from the name of its file", () => {
  expect(copyOf("1.2.156.3005.2.11100000MB0000011U001.113.20260000017.001.6-12.pdf")).toBe(12);
  expect(copyOf("")).toBe(0);
});

test("a kind that several items issue is offered once", () => {
  const line = (kind: string, title: string) => ({ kind, title });
  const items = [{ certificates: [line("a", "甲")] }, { certificates: [line("a", "甲"), line("b", "乙")] }];
  expect(kindsOf(items as Item[])).toEqual([{ kind: "a", title: "甲" }, { kind: "b", title: "乙" }]);
});
