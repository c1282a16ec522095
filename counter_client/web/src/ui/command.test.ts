import { ElMessage } from "element-plus";
import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { useCommand } from "./command";

vi.mock("element-plus", () => ({ ElMessage: vi.fn(), ElMessageBox: {} }));
afterEach(() => vi.clearAllMocks());

/** What was said, and as what. */
const said = () => vi.mocked(ElMessage).mock.calls.map(([words]) => words as { type: string; message: string });

test("a command that is being carried out is not carried out twice", async () => {
  const { busy, run } = useCommand();
  const command = vi.fn();
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const first = run(() => (command(), ended), "已记录");
  expect(busy.value).toBe(true);
  expect(await run(command, "已记录")).toBe(false);
  end();
  expect(await first).toBe(true);
  expect([busy.value, command.mock.calls.length]).toEqual([false, 1]);
  expect(said()).toMatchObject([{ type: "success", message: "已记录" }]);
});

test("what is done may be said from its answer, or not at all", async () => {
  const { run } = useCommand();
  expect(await run(async () => ({ number: "7" }), ({ number }) => `编号 ${number}`)).toBe(true);
  expect(await run(async () => undefined)).toBe(true);
  expect(said()).toMatchObject([{ type: "success", message: "编号 7" }]);
});

test("a failure is said, and the next try is free", async () => {
  const { busy, run } = useCommand();
  expect(await run(() => Promise.reject(new ApiError("network.lost", 0)), "已记录")).toBe(false);
  expect(busy.value).toBe(false);
  expect(said()).toMatchObject([{ type: "error" }]);
  expect(await run(async () => 1)).toBe(true);
});
