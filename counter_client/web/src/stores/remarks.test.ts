import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, test, vi } from "vitest";
import type { Call, Case } from "@/api/shapes";
import { useCall } from "./call";
import { useDesk } from "./desk";
import { useLine } from "./line";
import { useMissedRemarks } from "./remarks";

let say: (caseId: string, seq: number, kind?: string) => void;

beforeEach(() => {
  setActivePinia(createPinia());
  const heard = vi.spyOn(useLine(), "on");
  useCall().call = { id: "call", case_id: "spoken", state: "connected", seats: [] } as unknown as Call;
  useMissedRemarks();
  const tells = heard.mock.calls.filter(([event]) => event === "case.changed").map(([, tell]) => tell);
  say = (case_id, seq, kind = "chat.said") => {
    for (const tell of tells) tell({ case_id, seq, kind } as never);
  };
});

const lay = (id: string) => (useDesk().shown = { id } as Case);

test("what is written in the call is counted while another case lies on the desk", () => {
  lay("other");
  say("spoken", 4);
  say("spoken", 4);
  say("spoken", 5, "field.changed");
  say("other", 9);
  say("spoken", 6);
  expect(useMissedRemarks().missed).toBe(2);
});

test("nothing is missed with the call's own case on the desk, nor once that is back", () => {
  lay("spoken");
  say("spoken", 4);
  expect(useMissedRemarks().missed).toBe(0);
  lay("other");
  say("spoken", 5);
  expect(useMissedRemarks().missed).toBe(1);
  lay("spoken");
  expect(useMissedRemarks().missed).toBe(0);
});

test("a call that is over has nothing left to read", () => {
  lay("other");
  say("spoken", 4);
  useCall().call = null;
  expect(useMissedRemarks().missed).toBe(0);
});
