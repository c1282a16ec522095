/**
 * A whole call from one seat's view: our own streams to the others, theirs by seat and kind. In a
 * relayed call all goes over this tab's leg; in a direct one there is one End per seat that we
 * negotiate with. A call may fall from one to the other while it is on: the way before is kept until
 * the new one carries the others' pictures.
 *
 *   const call = new CallSession({ send, relay, move });
 *   call.on("remote", ...); call.on("state", ...);
 *   call.begin(known);                                         // while the seat is being taken
 *   call.update(await line.send("seat.taken", { call_id }));   // and again after "call.changed"
 *   call.hearTaken(taken.seat_id, taken.since);                // as "call.changed" says
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
import type { Rung } from "./ladder";
import type { Size } from "./limits";
import type { Kind } from "./naming";
import type { Signal } from "./peer";
import type { Relay } from "./relay";
import { calm } from "./rush";

export type { RemoteStream } from "./end";

export type AddressedSignal = { call_id: string; from: string } & (
  | { description: Description }
  | { candidate: Candidate | null }
);

export interface CallEvents {
  /** All streams of the others, whenever one comes or goes. */
  remote: RemoteStream[];
  /** The connection that brings the clerks' media is another one. */
  connection: RTCPeerConnection | null;
  /** The clerks are connected, or one of them is not. */
  state: "connected" | "interrupted";
  /** What is being done about a call that is interrupted may have changed. */
  effort: Effort;
}

/** What is tried to bring a picture: wait for the other side, another relay, or no relay at all. */
export type Effort = "none" | "waiting" | "rerouting" | "direct" | "restarting";

export interface CallOptions {
  send: (to: string, signal: Signal) => void;
  /** This tab's way to a relay, for calls that are relayed. */
  relay?: Relay;
  /** Put our seat on this leg. */
  move?: (legId: string) => Promise<unknown>;
  connect?: (servers: RTCIceServer[]) => RTCPeerConnection;
}

const LONGEST_HOLD = 5_000;
const MOST_HELD = 500;
/** So long after it is there a picture stays as small as it began. */
export const OPENING_LASTS = 400;

export class CallSession extends Emitter<CallEvents> {
  private readonly ends = new Map<string, End>();
  private readonly local = new Map<Kind, MediaStream>();
  private readonly options: CallOptions;
  private call: Call | null = null;
  private rung: Rung = "full";
  private isOpening = true;
  private opening: ReturnType<typeof setTimeout> | undefined;
  private changing = false;
  private seeking = false;
  /** The seats that were heard to be taken, and their epochs by then. */
  private readonly taken = new Map<string, string>();
  private releasing: ReturnType<typeof setTimeout> | undefined;
  private held: AddressedSignal[] = [];
  private said: "connected" | "interrupted" | null = null;
  private shown: RemoteStream[] = [];
  /** The call was relayed once: what was seen then lingers until something else is seen. */
  private wasRelayed = false;
  /** The leg that our seat was last told to move to, while that is not yet answered. */
  private moving: string | null = null;
  private watched: RTCPeerConnection | null = null;
  private stops: (() => void)[] = [];

  constructor(options: CallOptions) {
    super();
    this.options = options;
    this.resize();
  }

  get remote(): RemoteStream[] {
    return this.shown;
  }

  /** The connection that brings the clerks' media, for its statistics. */
  get connection(): RTCPeerConnection | null {
    if (this.isRelayed) return this.options.relay?.connection ?? null;
    const hall = this.halls.find((seat) => this.ends.has(seat.id));
    return (hall && this.ends.get(hall.id)?.connection) ?? null;
  }

  /** What is being tried, for words on the screen. */
  get effort(): Effort {
    if (this.call === null || this.isUp) return "none";
    if (!this.isRelayed) return this.wasRelayed ? "direct" : "restarting";
    return this.options.relay?.state === "connected" ? "waiting" : "rerouting";
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
    this.follow();
    // There may be a relay again; the call goes over it once both sides have a leg there.
    if (!this.isRelayed && this.options.relay?.state === "none") void this.seekRelay();
    // In a relayed call there are no ends: those of before stay until the relay brings the pictures.
    for (const id of this.ends.keys()) {
      if (!this.isRelayed && !call.ends.some((end) => end.seat_id === id)) this.drop(id);
    }
    for (const { seat_id: id, polite } of call.ends) {
      const seat = seats.get(id);
      // Who holds no socket cannot answer: they are met when they come, and kept when they go.
      if (mine !== null && seat?.connected) this.meet(id, `${this.newest(seat)} ${mine}`, polite);
    }
    this.prepare(call);
    this.speak();
    this.release();
    this.place();
    this.show();
    // The service forgets what we said of our connections when the seat is taken anew.
    this.settle(before !== null && mine !== before);
  }

  /** A call begins here whose seats are to be taken: have ready what will be said to who takes them. */
  begin(call: Call): void {
    if (this.call !== null) return;
    this.call = call;
    this.prepare(call);
  }

  /** A seat is taken now, as the notice of it says: who has something ready for it need not ask first. */
  hearTaken(seatId: string, since: string): void {
    this.taken.set(seatId, since);
    this.speak();
  }

  /** Take a signal that was addressed to our seat. */
  hear(signal: AddressedSignal): void {
    if (this.call !== null && signal.call_id !== this.call.id) return;
    const end = this.ends.get(signal.from);
    // Who takes the seat of an end that has no epoch yet is whom it waits for.
    if (this.call === null || (this.changing && end?.epoch !== null)) {
      if (this.held.length < MOST_HELD) this.held.push(signal);
      return;
    }
    if ("description" in signal) end?.hear({ description: signal.description });
    else end?.hear({ candidate: signal.candidate });
  }

  /**
   * Send a stream of ours to the others, in place of the last one of its kind; null: no more. Another
   * track of the same sort, such as another camera's, takes the place without negotiating anew.
   */
  share(kind: Kind, stream: MediaStream | null): void {
    if (stream) this.local.set(kind, stream);
    else this.local.delete(kind);
    // Before the Call is known a relay is ready sooner than we know whether the call has one.
    if (this.call === null || this.isRelayed) this.options.relay?.share(kind, stream);
    for (const end of this.ends.values()) end.bring(kind);
  }

  /** Send no more than the line may carry, whichever way. */
  ease(rung: Rung): void {
    this.rung = rung;
    this.resize();
  }

  /** Find new ways to the other seats, after the network has changed; to a relay it does so itself. */
  restart(): void {
    for (const end of this.ends.values()) end.restart();
  }

  close(): void {
    for (const stop of this.stops) stop();
    this.stops = [];
    clearTimeout(this.opening);
    for (const kind of this.local.keys()) this.options.relay?.share(kind, null);
    // The next call begins as this one did.
    this.options.relay?.ease("opening");
    this.call = null;
    for (const id of [...this.ends.keys()]) this.drop(id);
    clearTimeout(this.releasing);
    this.held = [];
    this.taken.clear();
    this.changing = this.wasRelayed = false;
    this.moving = this.said = this.watched = null;
    this.show();
  }

  private get size(): Size {
    return this.isOpening && this.rung === "full" ? "opening" : this.rung;
  }

  private resize(): void {
    this.options.relay?.ease(this.size);
    for (const end of this.ends.values()) end.ease(this.size);
  }

  /** The call has its pictures: from here on they are as large as they may be. */
  private grow(): void {
    this.isOpening = false;
    this.resize();
  }

  private get isRelayed(): boolean {
    return this.call?.topology === "relay" && this.options.relay !== undefined;
  }

  /** The two halls among the others: guests come and go, and the facing screen only listens. */
  private get halls(): Seat[] {
    const mine = this.call?.my_seat;
    const isHall = ({ id, side }: Seat) => (side === "local" || side === "remote") && id !== mine;
    return this.call?.seats.filter(isHall) ?? [];
  }

  private get isUp(): boolean {
    if (this.isRelayed) {
      const streams = this.relayed();
      const comes = this.halls.some((seat) => streams.some((one) => one.seat === seat.id));
      return comes && this.options.relay?.state === "connected";
    }
    const ends = this.halls.filter((seat) => this.call?.ends.some((end) => end.seat_id === seat.id));
    return ends.length > 0 && ends.every((seat) => this.ends.get(seat.id)?.state === "connected");
  }

  private relayed(): RemoteStream[] {
    return (this.call && this.options.relay?.streamsOf(this.call.id)) ?? [];
  }

  /** Go by the call's topology: what we send, and where we listen. */
  private follow(): void {
    const { relay } = this.options;
    if (relay === undefined) return;
    for (const [kind, stream] of this.local) relay.share(kind, this.isRelayed ? stream : null);
    this.wasRelayed ||= this.isRelayed;
    if (this.stops.length > 0 || !this.isRelayed) return;
    const look = () => {
      this.show();
      this.settle();
    };
    this.stops = [relay.on("streams", look), relay.on("state", look), relay.on("leg", () => this.place())];
  }

  /** Have our seat on the leg that carries media. */
  private place(): void {
    const { relay, move } = this.options;
    const id = relay?.legId ?? null;
    if (!this.isRelayed || move === undefined || id === null) return;
    if (id === this.call?.my_leg || id === this.moving) return;
    this.moving = id;
    // What is not heard is tried again with the next word of the call or of the relay.
    const done = () => {
      if (this.moving === id) this.moving = null;
    };
    move(id).then(done, done);
  }

  /** Show what comes in; a camera that was relayed stays as it was last seen until it comes again. */
  private show(): void {
    const ends = [...this.ends.values()].flatMap((end) => end.streams);
    const now = this.isRelayed ? this.relayed() : ends;
    const lasts = this.wasRelayed ? this.shown : [];
    const kept = lasts.filter(({ seat, kind }) => {
      const isHere = this.call?.seats.some((one) => one.id === seat);
      return isHere && kind === "camera" && !now.some((one) => one.seat === seat && one.kind === kind);
    });
    const next = [...now, ...kept];
    const isSame = next.length === this.shown.length && next.every((one, at) => one === this.shown[at]);
    this.shown = next;
    if (!isSame) this.tell("remote", next);
  }

  /** Have connections ready to the seats that nobody has taken yet, in a call that only begins. */
  private prepare(call: Call): void {
    if (call.connected_at !== null) return;
    for (const { seat_id: id, polite } of call.ends) {
      if (!this.ends.has(id)) this.open(id, null, polite);
    }
  }

  /** Meet those whose seats were heard to be taken, once we have our own to meet them from. */
  private speak(): void {
    const { seats = [], my_seat } = this.call ?? {};
    const mine = seats.find((seat) => seat.id === my_seat);
    if (!mine?.connected) return;
    for (const seat of seats) {
      if (this.taken.has(seat.id)) this.ends.get(seat.id)?.enter(`${this.newest(seat)} ${mine.since}`);
    }
  }

  /** A seat's epoch as we heard it last: a Call may be older than a notice. */
  private newest({ id, since }: Seat): string {
    const heard = this.taken.get(id);
    return heard !== undefined && Date.parse(heard) > Date.parse(since) ? heard : since;
  }

  private async seekRelay(): Promise<void> {
    if (this.seeking) return;
    this.seeking = true;
    await calm();
    this.seeking = false;
    if (this.call !== null && !this.isRelayed) this.options.relay?.resume();
  }

  private meet(seat: string, epoch: string, polite: boolean): void {
    const met = this.ends.get(seat);
    if (met) met.enter(epoch);
    else this.open(seat, epoch, polite);
  }

  private open(seat: string, epoch: string | null, polite: boolean): void {
    const connect = this.options.connect ?? ((iceServers) => new RTCPeerConnection({ iceServers }));
    const servers = () => (this.call?.ice_servers ?? []) as RTCIceServer[];
    const end = new End({
      seat,
      mine: this.call?.my_seat ?? "",
      polite,
      epoch,
      connect: () => connect(servers()),
      servers,
      send: (signal) => this.options.send(seat, signal),
      local: this.local,
      size: this.size,
    });
    this.ends.set(seat, end);
    end.on("streams", () => this.show());
    end.on("state", () => this.settle());
  }

  private drop(seat: string): void {
    const end = this.ends.get(seat);
    if (!end) return;
    this.ends.delete(seat);
    end.silence();
    end.close();
    this.show();
  }

  private release(): void {
    clearTimeout(this.releasing);
    this.changing = false;
    const held = this.held;
    this.held = [];
    for (const signal of held) this.hear(signal);
  }

  private settle(sayAgain = false): void {
    const up = this.isUp;
    if (up && this.isRelayed) for (const id of [...this.ends.keys()]) this.drop(id);
    if (up && this.isOpening) this.opening ??= setTimeout(() => this.grow(), OPENING_LASTS);
    this.tell("effort", this.effort);
    const { connection } = this;
    if (connection !== this.watched) this.tell("connection", connection);
    this.watched = connection;
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
