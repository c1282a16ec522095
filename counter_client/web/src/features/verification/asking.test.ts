import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { post } from "@/api/http";
import { judgeByKept } from "@/offline";
import { askOfCode } from "./asking";
import { codeOf } from "./code";

vi.mock("@/api/http", () => ({ post: vi.fn() }));
vi.mock("@/offline", () => ({ keptShelf: async () => "shelf", judgeByKept: vi.fn() }));

const CODE = codeOf("https://kuayu.example/v/1.2.156.3005#token")!;
const STANDING = { verdict: "genuine" };

beforeEach(() => void vi.mocked(judgeByKept).mockResolvedValue(STANDING as never));
afterEach(() => void vi.unstubAllGlobals());

test("with network the register answers, and the lists are not asked", async () => {
  vi.mocked(post).mockResolvedValue({ verdict: "revoked" });
  expect(await askOfCode(CODE)).toMatchObject({ by: "register", given: "code", verdict: { verdict: "revoked" } });
  expect(post).toHaveBeenCalledWith("/api/verify/qr", { number: CODE.number, token: "token" }, 8_000);
  expect(judgeByKept).not.toHaveBeenCalled();
});

test.each([["network.lost", 0], ["answer.unreadable", 200], ["server.broken", 500]])(
  "when the register gives no answer (%s) the lists do, and it is said that they did",
  async (code, status) => {
    vi.mocked(post).mockRejectedValue(new ApiError(code, status));
    expect(await askOfCode(CODE)).toMatchObject({ by: "lists", standing: STANDING });
    expect(judgeByKept).toHaveBeenCalledWith("shelf", CODE.text, expect.any(Number));
  },
);

test("a refusal is an answer: the lists do not go round it", async () => {
  vi.mocked(post).mockRejectedValue(new ApiError("rate.exceeded", 429));
  await expect(askOfCode(CODE)).rejects.toMatchObject({ code: "rate.exceeded" });
  expect(judgeByKept).not.toHaveBeenCalled();
});

test("a phone that knows to be without network does not wait for it", async () => {
  vi.stubGlobal("navigator", { onLine: false });
  expect(await askOfCode(CODE)).toMatchObject({ by: "lists" });
  expect(post).not.toHaveBeenCalled();
});

test("only a certificate's address is one of ours", () => {
  for (const text of ["", "hello", "https://kuayu.example/verify#x", "https://kuayu.example/v/1", "weixin://v/1#x"]) {
    expect(codeOf(text)).toBeNull();
  }
  // What was altered stays a certificate's code: it is to be called a forgery, and not passed over.
  expect(codeOf("http://127.0.0.1:8400/v/1.2.x#tok+en\u00e9")).not.toBeNull();
});
