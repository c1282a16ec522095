/** A table of a form: one value, a line a row and tabs between its cells, as spreadsheets copy it. */
export const ROW = "\n";
export const CELL = "\t";

/** The rows of a value, each with as many cells as there are columns. */
export function rowsOf(text: string, columns: number): string[][] {
  if (text === "") return [];
  return text.split(ROW).map((line) => evened(line.split(CELL), columns));
}

/** The value of rows; those without a single cell filled in are left out. */
export function written(rows: string[][]): string {
  return rows
    .map((row) => row.map((cell) => cell.trim()))
    .filter((row) => row.some((cell) => cell !== ""))
    .map((row) => row.join(CELL))
    .join(ROW);
}

/** What a spreadsheet or a page put on the clipboard; null when it is one cell, to be pasted as text. */
export function pastedCells(text: string): string[][] | null {
  const lines = text.replace(/\r\n?/g, ROW).split(ROW);
  while (lines.length > 0 && lines.at(-1) === "") lines.pop();
  const cells = lines.map((line) => line.split(CELL));
  return cells.length > 1 || (cells[0]?.length ?? 0) > 1 ? cells : null;
}

/** Rows with a block of cells laid over them from one cell on; what sticks out at the right is dropped. */
export function overlaid(
  rows: string[][], block: string[][], at: { row: number; column: number }, columns: number,
): string[][] {
  const count = Math.max(rows.length, at.row + block.length);
  const laid = Array.from({ length: count }, (_, i) => evened([...(rows[i] ?? [])], columns));
  block.forEach((cells, i) =>
    cells.slice(0, columns - at.column).forEach((cell, j) => {
      laid[at.row + i]![at.column + j] = cell.trim();
    }),
  );
  return laid;
}

/** How a table is spoken of where there is no room for it. */
export function tableWords(text: string | null): string {
  return text ? `共 ${text.split(ROW).length} 行` : "";
}

function evened(cells: string[], columns: number): string[] {
  return Array.from({ length: columns }, (_, i) => cells[i] ?? "");
}

/** The lines that two values of a table differ in, in words, each by its row; other values as they are. */
export function changed(old: string, now: string): { old: string; new: string } {
  if (![old, now].some((one) => one.includes(ROW) || one.includes(CELL))) return { old, new: now };
  const [before, after] = [old, now].map((one) => (one === "" ? [] : one.split(ROW))) as [string[], string[]];
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const words = (lines: string[]) =>
    lines
      .slice(head, lines.length - tail)
      .map((line, at) => `第${head + at + 1}行：${line.split(CELL).join("，")}`)
      .join(ROW);
  return { old: words(before), new: words(after) };
}
