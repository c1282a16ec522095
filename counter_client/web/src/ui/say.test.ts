import { expect, test, vi } from "vitest";
import { nextTick } from "vue";
import { askedFor } from "./say";

test("a reason is asked for until there is one, and one that is too long is not cut off", async () => {
  const asked = askedFor("暂停录制", "理由会记入办件记录。", "暂停", "请写明理由", 500);
  await vi.waitFor(() => expect(document.querySelector(".el-message-box input")).not.toBeNull());
  const box = document.querySelector<HTMLElement>(".el-message-box")!;
  const input = box.querySelector("input")!;
  const press = async (text: string): Promise<string> => {
    input.value = text;
    input.dispatchEvent(new Event("input"));
    await nextTick();
    box.querySelector<HTMLButtonElement>(".el-button--primary")!.click();
    await nextTick();
    return box.textContent ?? "";
  };
  expect(await press("  ")).toContain("请写明理由");
  expect(await press("长".repeat(501))).toContain("最多 500 字，现在有 501 字");
  await press(` ${"长".repeat(500)} `);
  expect(await asked).toHaveLength(500);
});
