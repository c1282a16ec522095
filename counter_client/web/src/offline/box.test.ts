// @vitest-environment node
import { expect, test } from "vitest";
import { openBox } from "./box";

test("where the browser keeps no database, the page's own memory does for as long as it is open", async () => {
  const box = await openBox();
  await box.change<number>("a", (old) => (old ?? 0) + 1);
  await box.change<number>("a", (old) => (old ?? 0) + 1);
  expect(await box.find("a")).toBe(2);
  await box.empty();
  expect(await box.find("a")).toBeUndefined();
});
