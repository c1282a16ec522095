/** A pen on a shared picture: points from 0 to 1, sent in batches so that the line stays free. */

export type Point = [x: number, y: number];
export interface Batch {
  stroke: string;
  points: Point[];
}

/** Ten messages a second at most, as the protocol has it. */
export const EVERY = 110;
/** The most points of one message; a hand makes far fewer in that time. */
export const MOST = 64;
/** Nearer points than this look like one. */
const NEAR = 0.002;
const FINE = 10_000;

export class Pen {
  private readonly send: (batch: Batch) => void;
  private readonly queue: Batch[] = [];
  private stroke = "";
  private last: Point | null = null;
  private resting: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (batch: Batch) => void) {
    this.send = send;
  }

  get isDown(): boolean {
    return this.last !== null;
  }

  /** Begin a stroke; returns what is new of it. */
  down(x: number, y: number): Batch {
    this.stroke = Math.random().toString(36).slice(2, 12) || "0";
    this.last = null;
    return this.move(x, y) ?? { stroke: this.stroke, points: [] };
  }

  /** Go on with the stroke; null where nothing is new. */
  move(x: number, y: number): Batch | null {
    const point: Point = [fine(x), fine(y)];
    const { last, stroke } = this;
    if (last !== null && Math.hypot(point[0] - last[0], point[1] - last[1]) < NEAR) return null;
    const open = this.queue.at(-1);
    if (open?.stroke === stroke && open.points.length < MOST) open.points.push(point);
    else this.queue.push({ stroke, points: [point] });
    this.last = point;
    if (this.resting === undefined) this.tell();
    return { stroke, points: [point] };
  }

  up(): void {
    this.last = null;
  }

  /** Forget what was not yet said. */
  drop(): void {
    clearTimeout(this.resting);
    this.resting = undefined;
    this.queue.length = 0;
    this.up();
  }

  private tell(): void {
    this.resting = undefined;
    const batch = this.queue.shift();
    if (batch === undefined) return;
    this.send(batch);
    this.resting = setTimeout(() => this.tell(), EVERY);
  }
}

function fine(part: number): number {
  return Math.round(Math.min(1, Math.max(0, part)) * FINE) / FINE;
}
