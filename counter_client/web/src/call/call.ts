/**
 * A whole call from one seat's view: one End per seat that we negotiate with, our own streams on
 * every one of them, the others' streams by seat and kind.
 *
 *   const call = new CallSession({ send, connect });
 *   call.on("remote", ...); call.on("state", ...);
 *   call.update(await line.send("seat.taken", { call_id }));   // and again after "call.changed"
 *   line.on("signal.received", (signal) => call.hear(signal));
 *   call.share("camera", stream);                              // null takes it away
 *   call.close();
 *
 * A seat's `since` is its epoch: it changes whenever the seat is taken anew (reload, another tab,
 * a reconnected socket), and then both sides meet each other with fresh connections. Where the Call
 * that says so is late, the certificate in the other side's description says it as well.
 * Call `expectChange()` when "call.changed" is heard, before fetching the Call: signals that come
 * meanwhile may belong to the new epoch and are held until `update`. A Call older than the one we
 * know, by any seat's epoch, changes nothing.
 */
import type { Candidate, Description } from "@/api/notices";
import type { Call, Seat } from "@/api/shapes";
import { Emitter } from "./emitter";
import { End, type RemoteStream } from "./end";
import type { Kind } from "./naming";
import type { PeerState, Signal } from "./peer";

export type { RemoteStream } from "./end";

export type AddressedSignal = { call_id: string; from: string } & (
  | { description: Description }
  | { candidate: Candidate | null }
);

export interface CallEvents {
  /** All streams of the others, whenever one comes or goes. */
  remote: RemoteStream[];
  /** What our connection to an end says. */
  peer: { seat: string; state: PeerState };
  /** All ends that matter are connected, or one of them is not. */
  state: "connected" | "interrupted";
}

export interface CallOptions {
  send: (to: string, signal: Signal) => void;
  connect?: (servers: RTCIceServer[]) => RTCPeerConnection;
}

const LONGEST_HOLD = 5_000;
const MOST_HELD = 500;

export class CallSession extends Emitter<CallEvents> {
  private readonly ends = new Map<string, End>();
  private readonly local = new Map<Kind, MediaStream>();
  private readonly options: CallOptions;
  private call: Call | null = null;
  private changing = false;
  private releasing: ReturnType<typeof setTimeout> | undefined;
  private held: AddressedSignal[] = [];
  private said: "connected" | "interrupted" | null = null;

  constructor(options: CallOptions) {
    super();
    this.options = options;
  }

  get remote(): RemoteStream[] {
    return [...this.ends.values()].flatMap((end) => end.streams);
  }

  /** The connections, for their statistics. */
  get connections(): { seat: string; connection: RTCPeerConnection }[] {
    return [...this.ends.values()].map(({ seat, connection }) => ({ seat, connection }));
  }

  /** The Call is about to change: hold what comes until `update`, but not for ever. */
  expectChange(): void {
    this.changing = true;
    clearTimeout(this.releasing);
    this.releasing = setTimeout(() => this.release(), LONGEST_HOLD);
  }

  /** Meet the call's ends as they are now. */
  update(call: Call): void {
    if (isOlder(call, this.call)) return;
    const before = epochOfMine(this.call);
    this.call = call;
    const mine = epochOfMine(call);
    const seats = new Map(call.seats.map((seat) => [seat.id, seat]));
    for (const id of this.ends.keys()) {
      if (!call.ends.some((end) => end.seat_id === id)) this.drop(id);
    }
    for (const { seat_id: id, polite } of call.ends) {
      const seat = seats.get(id);
      // Who holds no socket cannot answer: they are met when they come, and kept when they go.
      if (mine !== null && seat?.connected) this.meet(id, `${seat.since} ${mine}`, polite);
    }
    this.release();
    // The service forgets what we said of our connections when the seat is taken anew.
    this.settle(before !== null && mine !== before);
  }

  /** Take a signal that was addressed to our seat. */
  hear(signal: AddressedSignal): void {
    if (this.call !== null && signal.call_id !== this.call.id) return;
    if (this.call === null || this.changing) {
      if (this.held.length < MOST_HELD) this.held.push(signal);
      return;
    }
    const end = this.ends.get(signal.from);
    if ("description" in signal) end?.hear({ description: signal.description });
    else end?.hear({ candidate: signal.candidate });
  }

  /**
   * Send a stream of ours to every end, in place of the last one of its kind; null: no more. Another
   * track of the same sort, such as another camera's, takes the place without negotiating anew.
   */
  share(kind: Kind, stream: MediaStream | null): void {
    if (stream) this.local.set(kind, stream);
    else this.local.delete(kind);
    for (const end of this.ends.values()) end.bring(kind);
  }

  /** Find a new way to every end, after the network has changed. */
  restart(): void {
    for (const end of this.ends.values()) end.restart();
  }

  close(): void {
    for (const id of [...this.ends.keys()]) this.drop(id);
    clearTimeout(this.releasing);
    this.call = null;
    this.held = [];
    this.changing = false;
    this.said = null;
  }

  private meet(seat: string, epoch: string, polite: boolean): void {
    const met = this.ends.get(seat);
    if (met) {
      met.enter(epoch);
      return;
    }
    const connect = this.options.connect ?? ((iceServers) => new RTCPeerConnection({ iceServers }));
    const end = new End({
      seat,
      mine: this.call?.my_seat ?? "",
      polite,
      epoch,
      connect: () => connect((this.call?.ice_servers ?? []) as RTCIceServer[]),
      send: (signal) => this.options.send(seat, signal),
      local: this.local,
    });
    this.ends.set(seat, end);
    end.on("streams", () => this.tell("remote", this.remote));
    end.on("state", (state) => {
      this.tell("peer", { seat, state });
      this.settle();
    });
  }

  private drop(seat: string): void {
    const end = this.ends.get(seat);
    if (!end) return;
    this.ends.delete(seat);
    end.silence();
    end.close();
    this.tell("remote", this.remote);
  }

  private release(): void {
    clearTimeout(this.releasing);
    this.changing = false;
    const held = this.held;
    this.held = [];
    for (const signal of held) this.hear(signal);
  }

  /** The clerks' ends decide; the facing screen only listens. */
  private settle(sayAgain = false): void {
    const clerks = this.call?.seats.filter((seat) => seat.side !== "citizen") ?? [];
    const ends = clerks.filter((seat) => this.call?.ends.some((end) => end.seat_id === seat.id));
    const up = ends.length > 0 && ends.every((seat) => this.ends.get(seat.id)?.state === "connected");
    const state = up ? "connected" : "interrupted";
    // Nothing was interrupted that was never connected.
    if ((state === this.said && !sayAgain) || (this.said === null && !up)) return;
    this.said = state;
    this.tell("state", state);
  }
}

function epochOfMine(call: Call | null): string | null {
  return call?.seats.find((seat) => seat.id === call.my_seat)?.since ?? null;
}

function isOlder(call: Call, known: Call | null): boolean {
  if (known?.id !== call.id) return false;
  const before = new Map(known.seats.map((seat: Seat) => [seat.id, Date.parse(seat.since)]));
  return call.seats.some((seat) => Date.parse(seat.since) < (before.get(seat.id) ?? -Infinity));
}
