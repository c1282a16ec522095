import { expect, test } from "vitest";
import { voiceTried, voiceWords } from "./checking";

test("a microphone that nobody spoke into, or that is off, is untried and not at fault", () => {
  expect(voiceTried(null, false, true)).toBe("works");
  expect(voiceTried(null, false, false)).toBe("untried");
  expect(voiceTried(null, true, true)).toBe("untried");
  expect(voiceTried("refused", true, false)).toBe("refused");
});

test("a microphone that is off is said to be", () => {
  expect(voiceWords("untried", true).words).toContain("已关闭");
  expect(voiceWords("untried", false).words).toContain("请说一句话");
});
