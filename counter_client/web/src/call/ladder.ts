/**
 * How much of us our line may carry, by what the other ends report of its loss: the whole picture, a
 * smaller and slower one, or only the voice. A pure state machine: give it one look after another.
 * Down it goes within seconds, up only after a good while, one rung at a time; where the picture
 * itself is what the line does not bear, every try to bring it back waits twice as long.
 */
import type { Level } from "./quality";

export type Rung = "full" | "reduced" | "voice";

/** Looks in a row, of two seconds each. */
export const POOR_LOOKS = 2;
export const BAD_LOOKS = 3;
export const GOOD_LOOKS = 4;
export const MOST_GOOD_LOOKS = 16;
/** Who falls so soon after rising has risen too early. */
export const TRIED = 8;

const LOWER: Record<Rung, Rung> = { full: "reduced", reduced: "voice", voice: "voice" };
const HIGHER: Record<Rung, Rung> = { full: "full", reduced: "full", voice: "reduced" };

export class Ladder {
  rung: Rung = "full";
  private poor = 0;
  private bad = 0;
  private good = 0;
  private needed = GOOD_LOOKS;
  private sinceRise = Infinity;

  /** Take a look; null where nothing was reported. Returns the rung from now on. */
  look(level: Level | null): Rung {
    this.sinceRise += 1;
    if (this.sinceRise === TRIED) this.needed = GOOD_LOOKS;
    // Who sends nothing at all hears of no loss: only a try can tell.
    const seen = level ?? (this.rung === "voice" ? "good" : null);
    if (seen === null) return this.rung;
    this.count(seen);
    if (this.mustFall) this.fall();
    else if (this.rung !== "full" && this.good >= this.needed) this.rise();
    return this.rung;
  }

  private get mustFall(): boolean {
    if (this.rung === "full") return this.poor >= POOR_LOOKS;
    return this.rung === "reduced" && this.bad >= BAD_LOOKS;
  }

  private count(level: Level): void {
    this.good = level === "good" ? this.good + 1 : 0;
    this.poor = level === "good" ? 0 : this.poor + 1;
    this.bad = level === "bad" ? this.bad + 1 : 0;
  }

  private fall(): void {
    if (this.sinceRise < TRIED) this.needed = Math.min(2 * this.needed, MOST_GOOD_LOOKS);
    this.sinceRise = Infinity;
    this.step(LOWER[this.rung]);
  }

  private rise(): void {
    this.sinceRise = 0;
    this.step(HIGHER[this.rung]);
  }

  private step(to: Rung): void {
    this.rung = to;
    this.poor = this.bad = this.good = 0;
  }
}
