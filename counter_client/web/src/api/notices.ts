/** Everything that goes over the socket, as docs/protocol.md has it. */
import type { AgentState, Call, EndReason, Offer, Still, Ticket } from "./shapes";

export interface Description {
  type: "offer" | "answer";
  sdp: string;
}

export interface Candidate {
  candidate: string;
  sdp_mid: string | null;
  sdp_m_line_index: number | null;
  username_fragment: string | null;
}

/** Which of a seat's devices are on. */
export interface Switches {
  microphone: boolean;
  camera: boolean;
}

/** What we may say, and what the acknowledgement's data is. */
export interface Said {
  "case.watched": { takes: { case_id: string }; gives: { seq: number } };
  "case.unwatched": { takes: { case_id: string }; gives: null };
  "seat.taken": { takes: { call_id: string }; gives: Call };
  "seat.reported": {
    takes: { call_id: string; state: "connected" | "interrupted" };
    gives: null;
  };
  "signal.sent": {
    takes: { call_id: string; to: string } & (
      | { description: Description }
      | { candidate: Candidate | null }
    );
    gives: null;
  };
  "field.edited": { takes: { case_id: string; name: string; editing: boolean }; gives: null };
  "pointer.moved": {
    takes: { call_id: string; stream: string; x: number; y: number };
    gives: null;
  };
  "devices.switched": { takes: { call_id: string } & Switches; gives: null };
}

/** What we may hear. Notices are hints: lost, doubled or late ones change nothing in the end. */
export interface Heard {
  "case.changed": { case_id: string; seq: number; kind: string };
  "field.edited": {
    case_id: string;
    name: string;
    editing: boolean;
    by: { id: string; name: string };
  };
  "queue.changed": { region: string; version: number };
  "ticket.moved": {
    case_id: string;
    ticket_id: string;
    state: Ticket["state"];
    position: number;
    away: boolean;
    estimated_wait_seconds: number;
  };
  "offer.made": Offer;
  "offer.closed": { id: string; why: "accepted" | "declined" | "missed" | "withdrawn" };
  "agent.changed": { state: AgentState; since: string; why: string | null };
  "call.started": { call_id: string; case_id: string };
  "call.changed": { call_id: string; case_id: string; state: Call["state"] };
  "call.ended": { call_id: string; case_id: string; reason: EndReason };
  "seat.lost": { call_id: string };
  "signal.received": { call_id: string; from: string } & (
    | { description: Description }
    | { candidate: Candidate | null }
  );
  "pointer.moved": { call_id: string; from: string; stream: string; x: number; y: number };
  "devices.switched": { call_id: string; from: string } & Switches;
  "still.requested": Still;
  "still.closed": Still;
  "facing.changed": { counter: string };
  "board.changed": { region: string; version: number };
  "login.ended": Record<string, never>;
}

export type Audience = "staff" | "device" | "citizen";
