import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, test } from "vitest";
import { nextTick } from "vue";
import type { Seat } from "@/api/shapes";
import { useCall } from "./call";
import { useMarks } from "./marks";

const SHEET = "far:screen";
const seat = (id: string, side: Seat["side"], since: string) => ({ id, side, since, name: "", office: "" });
const SEATS = [seat("me", "local", "1"), seat("far", "remote", "1"), seat("front", "citizen", "1")];

async function meet(seats: object[]): Promise<void> {
  useCall().call = { id: "call", state: "connected", my_seat: "me", seats } as never;
  await nextTick();
}

beforeEach(async () => {
  setActivePinia(createPinia());
  await meet(SEATS);
  useMarks().draw(SHEET, "one", [[0.5, 0.5]]);
});

test.each([
  ["the other side after a reload", SEATS.map((one) => (one.id === "far" ? { ...one, since: "2" } : one))],
  ["who was cut off here", SEATS.map((one) => (one.id === "me" ? { ...one, since: "2" } : one))],
  ["an adviser", [...SEATS, seat("third", "adviser", "2")]],
])("nothing stays drawn that %s does not see", async (_, seats) => {
  await meet(seats);
  expect(useMarks().marks).toEqual([]);
});

test("strokes stay while the same people see them, whatever becomes of the citizen's screen", async () => {
  await meet(SEATS.map((one) => ({ ...one, media_up: true, since: one.id === "front" ? "2" : one.since })));
  expect(useMarks().marks).toHaveLength(1);
});
