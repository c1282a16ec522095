/**
 * A whole call from one seat's view: one Peer per end, our own tracks on every one of them, the
 * others' streams by seat and kind.
 *
 *   const call = new CallSession({ send, connect });
 *   call.on("remote", ...); call.on("state", ...);
 *   call.update(await line.send("seat.taken", { call_id }));   // and again after "call.changed"
 *   line.on("signal.received", (signal) => call.hear(signal));
 *   call.share("camera", stream);                              // null takes it away
 *   call.close();
 *
 * A seat's `since` is its epoch: it changes whenever the seat is taken anew (reload, another tab,
 * a reconnected socket). An end is met with a fresh Peer when its epoch or our own has changed.
 * Call `expectChange()` when "call.changed" is heard, before fetching the Call: signals that come
 * meanwhile may belong to the new epoch and are held until `update`.
 */
import type { Candidate, Description } from "@/api/notices";
import type { Call, Seat } from "@/api/shapes";
import { Emitter } from "./emitter";
import { type Kind, nameOf, readName } from "./naming";
import { limit, Peer, type PeerState, type SendLimits, type Signal } from "./peer";

export type AddressedSignal = { call_id: string; from: string } & (
  | { description: Description }
  | { candidate: Candidate | null }
);

export interface RemoteStream {
  seat: string;
  kind: Kind;
  stream: MediaStream;
}

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

interface End {
  epoch: string;
  peer: Peer;
  senders: Map<Kind, RTCRtpSender[]>;
}

export const LIMITS: Record<Kind, Omit<SendLimits, "scaleDownBy"> & { height: number }> = {
  camera: { height: 720, maxFramerate: 30, maxBitrate: 1_800_000 },
  screen: { height: 1080, maxFramerate: 10, maxBitrate: 2_000_000 },
  document: { height: 1080, maxFramerate: 15, maxBitrate: 2_000_000 },
};

export class CallSession extends Emitter<CallEvents> {
  private readonly ends = new Map<string, End>();
  private readonly local = new Map<Kind, MediaStream>();
  private readonly streams = new Map<string, RemoteStream>();
  private readonly options: CallOptions;
  private call: Call | null = null;
  private changing = false;
  private held: AddressedSignal[] = [];
  private said: "connected" | "interrupted" | null = null;

  constructor(options: CallOptions) {
    super();
    this.options = options;
  }

  get remote(): RemoteStream[] {
    return [...this.streams.values()];
  }

  /** The connections, for their statistics. */
  get connections(): { seat: string; connection: RTCPeerConnection }[] {
    return [...this.ends].map(([seat, end]) => ({ seat, connection: end.peer.connection }));
  }

  /** The Call is about to change: hold what comes until `update`. */
  expectChange(): void {
    this.changing = true;
  }

  /** Meet the call's ends as they are now. */
  update(call: Call): void {
    this.call = call;
    const mine = call.seats.find((seat) => seat.id === call.my_seat);
    const wanted = new Map<string, { seat: Seat; polite: boolean }>();
    for (const end of call.ends) {
      const seat = call.seats.find((one) => one.id === end.seat_id);
      // Who holds no socket cannot answer: they are met when they come.
      if (seat?.connected && mine) wanted.set(seat.id, { seat, polite: end.polite });
    }
    for (const [id, end] of this.ends) {
      const still = wanted.get(id);
      if (!still || epochOf(still.seat, mine) !== end.epoch) this.drop(id);
    }
    for (const [id, { seat, polite }] of wanted) {
      if (!this.ends.has(id)) this.meet(id, epochOf(seat, mine), polite);
    }
    this.changing = false;
    const held = this.held;
    this.held = [];
    for (const signal of held) this.hear(signal);
    this.settle();
  }

  /** Take a signal that was addressed to our seat. */
  hear(signal: AddressedSignal): void {
    if (signal.call_id !== this.call?.id) {
      if (this.call === null) this.held.push(signal);
      return;
    }
    if (this.changing) {
      this.held.push(signal);
      return;
    }
    const end = this.ends.get(signal.from);
    if (!end) return;
    if ("description" in signal) void end.peer.hear({ description: signal.description });
    else void end.peer.hear({ candidate: signal.candidate });
  }

  /** Send a stream of ours to every end, in place of the last one of its kind; null: no more. */
  share(kind: Kind, stream: MediaStream | null): void {
    if (stream) this.local.set(kind, stream);
    else this.local.delete(kind);
    for (const end of this.ends.values()) this.bring(end, kind);
  }

  /** Exchange a track without negotiating anew, such as for another camera. */
  async replace(kind: Kind, before: MediaStreamTrack | null, track: MediaStreamTrack): Promise<void> {
    for (const end of this.ends.values()) {
      const senders = end.senders.get(kind) ?? [];
      const sender = senders.find((one) => one.track === before) ??
        senders.find((one) => one.track?.kind === track.kind);
      if (sender) await sender.replaceTrack(track);
    }
  }

  restart(): void {
    for (const end of this.ends.values()) end.peer.restart();
  }

  close(): void {
    for (const id of [...this.ends.keys()]) this.drop(id);
    this.call = null;
    this.held = [];
    this.changing = false;
    this.said = null;
  }

  private meet(seat: string, epoch: string, polite: boolean): void {
    const servers = (this.call?.ice_servers ?? []) as RTCIceServer[];
    const connect = this.options.connect ?? ((iceServers) => new RTCPeerConnection({ iceServers }));
    const peer = new Peer({
      polite,
      connection: connect(servers),
      send: (signal) => this.options.send(seat, signal),
    });
    const end: End = { epoch, peer, senders: new Map() };
    this.ends.set(seat, end);
    peer.on("stream", (stream) => this.arrived(seat, stream));
    peer.on("gone", (id) => this.left(id));
    peer.on("state", (state) => {
      this.tell("peer", { seat, state });
      this.settle();
    });
    for (const kind of this.local.keys()) this.bring(end, kind);
  }

  private drop(seat: string): void {
    const end = this.ends.get(seat);
    if (!end) return;
    this.ends.delete(seat);
    end.peer.close();
    for (const [id, remote] of this.streams) if (remote.seat === seat) this.streams.delete(id);
    this.tell("remote", this.remote);
  }

  private bring(end: End, kind: Kind): void {
    for (const sender of end.senders.get(kind) ?? []) end.peer.connection.removeTrack(sender);
    const stream = this.local.get(kind);
    const mine = this.call?.my_seat;
    if (!stream || !mine) {
      end.senders.delete(kind);
      return;
    }
    const senders = stream.getTracks().map((track) => {
      const sender = end.peer.add(track, stream, nameOf(mine, kind));
      if (track.kind === "video") void limit(sender, limitsFor(kind, track));
      return sender;
    });
    end.senders.set(kind, senders);
  }

  private arrived(seat: string, stream: MediaStream): void {
    const name = readName(stream.id);
    // A name is only a claim: a stream belongs to the end that it comes from.
    const kind = name?.seat === seat ? name.kind : "camera";
    this.streams.set(stream.id, { seat, kind, stream });
    this.tell("remote", this.remote);
  }

  private left(id: string): void {
    if (this.streams.delete(id)) this.tell("remote", this.remote);
  }

  /** The clerks' ends decide; the facing screen only listens. */
  private settle(): void {
    const clerks = this.call?.seats.filter((seat) => seat.side !== "citizen") ?? [];
    const ends = clerks.filter((seat) => this.call?.ends.some((end) => end.seat_id === seat.id));
    const up = ends.length > 0 && ends.every((seat) => this.ends.get(seat.id)?.peer.state === "connected");
    const state = up ? "connected" : "interrupted";
    // Nothing was interrupted that was never connected.
    if (state === this.said || (this.said === null && !up)) return;
    this.said = state;
    this.tell("state", state);
  }
}

function epochOf(seat: Seat, mine: Seat | undefined): string {
  return `${seat.since} ${mine?.since ?? ""}`;
}

/** The camera is opened at its largest for the still; the sender scales it down. */
export function limitsFor(kind: Kind, track: MediaStreamTrack): SendLimits {
  const { height, maxFramerate, maxBitrate } = LIMITS[kind];
  const own = track.getSettings?.().height ?? height;
  return { scaleDownBy: own / height, maxFramerate, maxBitrate };
}
