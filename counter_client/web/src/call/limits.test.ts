import { describe, expect, it } from "vitest";
import { fakeTrack } from "./fake";
import { limitsFor } from "./limits";

describe("what a sender may use", () => {
  it("scales a large camera down", () => {
    expect(limitsFor("camera", fakeTrack("video")).scaleDownBy).toBe(3);
  });

  it("never scales a small one up", () => {
    const small = { kind: "video", getSettings: () => ({ height: 480 }) } as unknown as MediaStreamTrack;
    expect(limitsFor("camera", small).scaleDownBy).toBe(1);
  });

  it("is less of a face on a poor line, and all of a page at fewer pictures a second", () => {
    const track = fakeTrack("video");
    const [face, less] = [limitsFor("camera", track), limitsFor("camera", track, "reduced")];
    expect(less.scaleDownBy).toBeGreaterThan(face.scaleDownBy);
    expect(less.maxFramerate).toBeLessThan(face.maxFramerate);
    const [page, slow] = [limitsFor("document", track), limitsFor("document", track, "reduced")];
    expect(slow.scaleDownBy).toBe(page.scaleDownBy);
    expect(slow.maxFramerate).toBeLessThan(page.maxFramerate);
    expect([face, less, limitsFor("document", track, "voice")].map((one) => one.active)).toEqual([true, true, false]);
  });
});
