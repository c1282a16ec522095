import { expect, test } from "vitest";
import { limitsFor } from "@/call/limits";
import { stoppedWords } from "./lineWords";

test("a paper that is sent no more is said to stand still, and only then", () => {
  const track = { getSettings: () => ({ height: 1080 }) } as unknown as MediaStreamTrack;
  for (const rung of ["full", "reduced", "voice"] as const) {
    expect(stoppedWords(rung) === "").toBe(limitsFor("document", track, rung).active);
  }
  expect(stoppedWords(undefined)).toBe("");
});
