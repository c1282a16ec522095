import { expect, it } from "vitest";
import { BAD_LOOKS, GOOD_LOOKS, Ladder, MOST_GOOD_LOOKS, POOR_LOOKS, type Rung } from "./ladder";
import type { Level } from "./quality";

/** The rung after each of so many looks of one kind. */
const look = (ladder: Ladder, level: Level | null, times: number): Rung[] =>
  Array.from({ length: times }, () => ladder.look(level));

/** A ladder that a bad line has brought down to the voice. */
function voice(): Ladder {
  const ladder = new Ladder();
  look(ladder, "bad", POOR_LOOKS + BAD_LOOKS);
  expect(ladder.rung).toBe("voice");
  return ladder;
}

it("stays where the line is good", () => {
  expect(new Set(look(new Ladder(), "good", 50))).toEqual(new Set(["full"]));
});

it("does not fall for one poor look", () => {
  const ladder = new Ladder();
  for (let i = 0; i < 10; i++) {
    expect(look(ladder, "bad", POOR_LOOKS - 1).at(-1)).toBe("full");
    expect(ladder.look("good")).toBe("full");
  }
});

it("goes down to a smaller picture on a poor line, and no further", () => {
  const ladder = new Ladder();
  expect(look(ladder, "poor", POOR_LOOKS)).toEqual(["full", "reduced"]);
  expect(new Set(look(ladder, "poor", 50))).toEqual(new Set(["reduced"]));
});

it("goes down to the voice on a line that stays bad, by way of the smaller picture", () => {
  expect(look(new Ladder(), "bad", POOR_LOOKS + BAD_LOOKS)).toEqual(["full", "reduced", "reduced", "reduced", "voice"]);
});

it("comes back step by step", () => {
  const ladder = voice();
  expect(look(ladder, "good", GOOD_LOOKS).at(-1)).toBe("reduced");
  expect(look(ladder, "good", GOOD_LOOKS - 1).at(-1)).toBe("reduced");
  expect(ladder.look("good")).toBe("full");
});

it("counts only good looks in a row", () => {
  const ladder = voice();
  for (let i = 0; i < 5; i++) {
    look(ladder, "good", GOOD_LOOKS - 1);
    expect(ladder.look("poor")).toBe("voice");
  }
});

it("waits longer for every try that failed, but not for ever", () => {
  const ladder = voice();
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) {
    let waited = 1;
    while (ladder.look("good") === "voice") waited += 1;
    waits.push(waited);
    look(ladder, "bad", BAD_LOOKS);
    expect(ladder.rung).toBe("voice");
  }
  expect(waits).toEqual([4, 8, 16, MOST_GOOD_LOOKS, MOST_GOOD_LOOKS]);
});

it("is quick again once a try has held", () => {
  const ladder = voice();
  look(ladder, "good", GOOD_LOOKS);
  look(ladder, "bad", BAD_LOOKS);
  look(ladder, "good", 100);
  look(ladder, "bad", POOR_LOOKS + BAD_LOOKS);
  expect(look(ladder, "good", GOOD_LOOKS).at(-1)).toBe("reduced");
});

it("does nothing where nothing is reported, but tries a picture where even the voice is not sent", () => {
  const ladder = new Ladder();
  look(ladder, "poor", POOR_LOOKS);
  expect(new Set(look(ladder, null, 50))).toEqual(new Set(["reduced"]));
  expect(look(voice(), null, GOOD_LOOKS).at(-1)).toBe("reduced");
});
