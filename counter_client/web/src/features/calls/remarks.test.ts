import { expect, test } from "vitest";
import type { Event } from "@/api/shapes";
import { remarksOf, unreadOf } from "./remarks";

const event = (seq: number, id: string, call_id = "call", kind = "chat.said") =>
  ({ seq, kind, at: "", actor: { id, name: id }, data: { call_id, text: `${seq}` } }) as unknown as Event;

test("the remarks of this call and no other events are read, each with whose it is", () => {
  const events = [event(1, "li"), event(2, "wang", "before"), event(3, "wang", "call", "seat.taken"), event(4, "wang")];
  const found = remarksOf(events, "call", "li");
  expect(found.map(({ text, isMine }) => [text, isMine])).toEqual([["1", true], ["4", false]]);
});

test("what I wrote or have seen is not unread", () => {
  const remarks = remarksOf([event(1, "wang"), event(2, "li"), event(3, "wang")], "call", "li");
  expect([unreadOf(remarks, 0), unreadOf(remarks, 1), unreadOf(remarks, 3)]).toEqual([2, 1, 0]);
});
