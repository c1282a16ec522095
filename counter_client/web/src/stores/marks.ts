/** What is drawn by hand on papers and screens in a call: ours and the others', until it is cleared. */
import { defineStore } from "pinia";
import { shallowRef, watch } from "vue";
import type { Point } from "@/call/pen";
import { useCall } from "./call";
import { useLine } from "./line";

/** Who draws on and on loses the oldest strokes, and no browser its memory. */
const MOST_POINTS = 5_000;

export interface Mark {
  from: string;
  stream: string;
  stroke: string;
  points: Point[];
}

export const useMarks = defineStore("marks", () => {
  const call = useCall();
  const line = useLine();
  const marks = shallowRef<Mark[]>([]);

  function put({ from, stream, stroke, points }: Mark): void {
    const isSame = (one: Mark) => one.from === from && one.stream === stream && one.stroke === stroke;
    const known = marks.value.find(isSame);
    const grown = { from, stream, stroke, points: [...(known?.points ?? []), ...points] };
    const all = known ? marks.value.map((one) => (one === known ? grown : one)) : [...marks.value, grown];
    let count = all.reduce((sum, one) => sum + one.points.length, 0);
    while (count > MOST_POINTS) count -= all.shift()!.points.length;
    marks.value = all;
  }

  /** Show a stroke of ours; saying it to the others is the pen's affair. */
  function draw(stream: string, stroke: string, points: Point[]): void {
    put({ from: call.call?.my_seat ?? "", stream, stroke, points });
  }

  function say(stream: string, stroke: string, points: Point[]): void {
    if (call.call !== null) line.hint("mark.drawn", { call_id: call.call.id, stream, stroke, points });
  }

  /** Take away all that is drawn on a stream, here and at the others'. */
  function clear(stream: string): void {
    forget(stream);
    if (call.call !== null) line.hint("marks.cleared", { call_id: call.call.id, stream });
  }

  /** The stream is shown no more. */
  function forget(stream: string): void {
    marks.value = marks.value.filter((one) => one.stream !== stream);
  }

  line.on("mark.drawn", ({ call_id: callId, from, stream, stroke, points }) => {
    if (callId === call.call?.id) put({ from, stream, stroke, points: points as Point[] });
  });
  line.on("marks.cleared", ({ call_id: callId, stream }) => {
    if (callId === call.call?.id) forget(stream);
  });

  // Whoever comes, or comes back, has none of the strokes: nobody goes on pointing at what another
  // does not see. A citizen's screen shows no papers.
  watch(
    () => call.call?.seats.filter((seat) => seat.side !== "citizen").map((seat) => `${seat.id} ${seat.since}`).join(),
    () => (marks.value = []),
  );

  return { marks, draw, say, clear, forget };
});
