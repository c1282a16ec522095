import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "../../api/errors";
import { createSaving, PAUSE, type Saving, type Written } from "./saving";

let save: ReturnType<typeof vi.fn<(value: string, version: number) => Promise<Written>>>;
let field: Saving;
const stale = (theirs: string | null, version: number, masked = false) =>
  new ApiError("field.stale", 409, "f", { yours: "x", theirs, masked, version, by: "程坐席" });

beforeEach(() => {
  vi.useFakeTimers();
  save = vi.fn(async (value, version) => ({ value, version: version + 1 }));
  field = createSaving({ value: "旧", version: 1 }, save);
});
afterEach(() => vi.useRealTimers());

describe("when a field is saved", () => {
  it("is 800 ms after the last key, once", async () => {
    field.typed("新");
    await vi.advanceTimersByTimeAsync(PAUSE - 1);
    field.typed("新的");
    await vi.advanceTimersByTimeAsync(PAUSE - 1);
    expect(save).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(save).toHaveBeenCalledExactlyOnceWith("新的", 1);
    expect(field.state.value).toBe("clean");
  });

  it("is at once on blur and Enter, and then not again", async () => {
    field.typed("新");
    await field.flush();
    await vi.advanceTimersByTimeAsync(PAUSE * 2);
    expect(save).toHaveBeenCalledExactlyOnceWith("新", 1);
  });

  it("is never while an input method composes", async () => {
    field.composing(true);
    field.typed("zhang");
    await vi.advanceTimersByTimeAsync(PAUSE * 3);
    await field.flush();
    expect(save).not.toHaveBeenCalled();
    field.typed("张");
    field.composing(false);
    await vi.advanceTimersByTimeAsync(PAUSE);
    expect(save).toHaveBeenCalledExactlyOnceWith("张", 1);
  });

  it("is not at all when nothing has changed", async () => {
    field.typed("新");
    field.typed("旧");
    await field.flush();
    expect(save).not.toHaveBeenCalled();
  });

  it("saves what was typed while an earlier value was on its way", async () => {
    let answer: (written: Written) => void = () => undefined;
    save.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
    field.typed("一");
    void field.flush();
    field.typed("一二");
    answer({ value: "一", version: 2 });
    await vi.advanceTimersByTimeAsync(PAUSE);
    expect(save).toHaveBeenLastCalledWith("一二", 2);
    expect(field.draft.value).toBe("一二");
  });
});

describe("what the other side writes", () => {
  it("is taken over in a field that nobody types in", () => {
    field.heard({ value: "对方", version: 2 });
    expect(field.draft.value).toBe("对方");
  });

  it("does not take away what is being typed; saving it then asks", async () => {
    field.typed("我的");
    field.heard({ value: "对方", version: 2 });
    expect(field.draft.value).toBe("我的");
    save.mockRejectedValueOnce(stale("对方", 2));
    await field.flush();
    expect(field.state.value).toBe("conflict");
    expect(field.conflict.value).toMatchObject({ yours: "我的", theirs: "对方", by: "程坐席" });
  });

  it("of an older version is nothing", () => {
    field.heard({ value: "旧了", version: 1 });
    expect(field.draft.value).toBe("旧");
  });
});

describe("a stale write", () => {
  beforeEach(async () => {
    save.mockRejectedValueOnce(stale("对方", 4));
    field.typed("我的");
    await field.flush();
  });

  it("is written over theirs when mine is kept", async () => {
    await field.keepMine();
    expect(save).toHaveBeenLastCalledWith("我的", 4);
    expect(field.state.value).toBe("clean");
  });

  it("takes no masked value for the one that was typed", async () => {
    save.mockRejectedValueOnce(stale("我的", 5, true));
    await field.keepMine();
    expect(field.conflict.value).toMatchObject({ yours: "我的", theirs: "我的", masked: true });
  });

  it("gives way when theirs is taken", async () => {
    field.takeTheirs();
    expect(field.draft.value).toBe("对方");
    await field.flush();
    expect(save).toHaveBeenCalledTimes(1);
  });
});

it("takes a lost answer's write for its own when it comes back as stale", async () => {
  save.mockRejectedValueOnce(new ApiError("network.lost", 0));
  field.typed("我的");
  await field.flush();
  expect(field.state.value).toBe("failed");
  expect(field.fault.value).toContain("网络");
  save.mockRejectedValueOnce(stale("我的", 2));
  await field.flush();
  expect(field.state.value).toBe("clean");
  expect(field.conflict.value).toBeNull();
});

it("keeps what was typed when the value is refused, and says why", async () => {
  save.mockRejectedValueOnce(new ApiError("money.malformed", 422, "f"));
  field.typed("十元");
  await field.flush();
  expect(field.draft.value).toBe("十元");
  expect(field.fault.value).toContain("金额");
});

it("shows the service's normal form of what was typed", async () => {
  save.mockResolvedValueOnce({ value: "1234.50", version: 2 });
  field.typed("1,234.5");
  await field.flush();
  expect(field.draft.value).toBe("1234.50");
});

it("settles when what was typed last is saved, also while an earlier text is still on its way", async () => {
  let answer = (): void => undefined;
  save.mockImplementationOnce((value, version) => new Promise((done) => {
    answer = () => done({ value, version: version + 1 });
  }));
  field.typed("新");
  void field.flush();
  field.typed("新的");
  const settled = field.settle();
  answer();
  await settled;
  expect(save).toHaveBeenLastCalledWith("新的", 2);
  expect(field.state.value).toBe("clean");
});
