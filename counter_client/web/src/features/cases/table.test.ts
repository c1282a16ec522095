import { expect, it } from "vitest";
import { changed, overlaid, pastedCells, rowsOf, tableWords, written } from "./table";

it("reads and writes a value, row by row", () => {
  const value = "2024\t12\n2025\t3";
  expect(rowsOf(value, 2)).toEqual([["2024", "12"], ["2025", "3"]]);
  expect(written(rowsOf(value, 2))).toBe(value);
  expect(rowsOf("", 2)).toEqual([]);
  expect(rowsOf("2024", 2)).toEqual([["2024", ""]]);
});

it("leaves rows out that nobody filled in, and keeps those that are half filled in", () => {
  expect(written([["", " "], ["2024", ""], ["", ""], [" 2025 ", "3"]])).toBe("2024\t\n2025\t3");
  expect(written([["", ""]])).toBe("");
});

it.each([
  ["2024\t12\r\n2025\t3\r\n", [["2024", "12"], ["2025", "3"]]],
  ["2024\t12", [["2024", "12"]]],
  ["2024\n2025", [["2024"], ["2025"]]],
  ["2024", null],
  ["2024\r\n", null],
  ["", null],
])("takes %j from the clipboard for a block of cells only if it is one", (text, cells) => {
  expect(pastedCells(text)).toEqual(cells);
});

it("lays a pasted block over the rows from the cell on that was pasted into", () => {
  const rows = [["a", "b", "c"], ["d", "e", "f"]];
  const block = [["1 ", "2", "3"], ["4"], ["5", "6"]];
  expect(overlaid(rows, block, { row: 1, column: 1 }, 3)).toEqual([
    ["a", "b", "c"], ["d", "1", "2"], ["", "4", ""], ["", "5", "6"],
  ]);
  expect(rows).toEqual([["a", "b", "c"], ["d", "e", "f"]]);
});

it("says how many rows there are", () => {
  expect(tableWords("a\tb\nc\td")).toBe("共 2 行");
  expect(tableWords(null)).toBe("");
});

it("names of two versions of a table the rows that differ, and leaves other values as they are", () => {
  const old = "2023\t12\n2024\t12\n2025\t3";
  expect(changed(old, "2023\t12\n2024\t11\n2025\t3")).toEqual({ old: "第2行：2024，12", new: "第2行：2024，11" });
  expect(changed(old, "2023\t12\n2025\t3")).toEqual({ old: "第2行：2024，12", new: "" });
  expect(changed("2024\t12", "2024\t12\n2024\t12")).toEqual({ old: "", new: "第2行：2024，12" });
  expect(changed("", "2024\t12")).toEqual({ old: "", new: "第1行：2024，12" });
  expect(changed("已终止", "暂停缴费")).toEqual({ old: "已终止", new: "暂停缴费" });
});
