/**
 * An end of a call: our connection to another seat, and the one before it. When an end starts anew
 * (its page was loaded again, its socket came back, ours did) it is met with a fresh Peer, and the
 * one before is kept, silent, until the new one carries media: nobody sees a gap that need not be.
 * An end may be made ready before its seat is taken: it has no epoch yet and says nothing.
 */
import { Emitter } from "./emitter";
import { fit, type Size } from "./limits";
import { type Kind, nameOf, readName } from "./naming";
import { Peer, type PeerState, type Signal } from "./peer";

export interface RemoteStream {
  seat: string;
  kind: Kind;
  stream: MediaStream;
}

export interface EndOptions {
  seat: string;
  /** Our own seat, for the names of what we send. */
  mine: string;
  polite: boolean;
  /** Null: the seat is not taken yet. */
  epoch: string | null;
  connect: () => RTCPeerConnection;
  servers: () => RTCIceServer[];
  send: (signal: Signal) => void;
  local: ReadonlyMap<Kind, MediaStream>;
  size: Size;
}

/** After starting anew, an end waits this long before it takes another's description for the reason to. */
const CALM = 1_000;
/** What was made ready longer ago is made anew when its seat is taken: servers and networks change. */
export const FRESH = 10_000;

interface Way {
  peer: Peer;
  streams: Map<string, RemoteStream>;
  senders: Map<Kind, RTCRtpSender[]>;
}

export class End extends Emitter<{ streams: null; state: PeerState }> {
  readonly seat: string;
  epoch: string | null;
  private readonly options: EndOptions;
  private size: Size;
  private way: Way;
  private before: Way | null = null;
  private said: PeerState | null = null;
  /** The other side has started anew before the Call told us so. */
  private ahead = false;
  private openedAt = 0;
  private renewing: ReturnType<typeof setTimeout> | undefined;

  constructor(options: EndOptions) {
    super();
    this.options = options;
    this.seat = options.seat;
    this.epoch = options.epoch;
    this.size = options.size;
    this.way = this.open(options.epoch === null);
  }

  get connection(): RTCPeerConnection {
    return this.way.peer.connection;
  }

  get state(): PeerState {
    return this.before?.peer.state === "connected" ? "connected" : this.way.peer.state;
  }

  get streams(): RemoteStream[] {
    return [...(this.before ?? this.way).streams.values()];
  }

  /** Belong to another epoch: start anew, unless that is just what we have done. */
  enter(epoch: string): void {
    if (epoch === this.epoch) return;
    const isFirst = this.epoch === null;
    this.epoch = epoch;
    if (isFirst) this.greet();
    if (this.ahead) this.ahead = false;
    else if (!isFirst) this.renew();
  }

  /** Take a signal of the other side. */
  hear(signal: Signal): void {
    this.greet();
    if ("description" in signal && this.way.peer.isOfAnother(signal.description)) {
      // What is on its way to both sides just now could keep both starting anew for ever.
      if (Date.now() - this.openedAt < CALM) {
        this.renewing ??= setTimeout(() => this.renew(), this.options.polite ? 2 * CALM : CALM);
        return;
      }
      this.ahead = true;
      this.renew();
      // What it answers is our connection of before: it gets a new offer from the new one.
      if (signal.description.type === "answer") return;
    }
    void this.way.peer.hear(signal);
  }

  /** Send what is shared of a kind now, by the senders that there are where that can be. */
  bring(kind: Kind): void {
    const tracks = this.options.local.get(kind)?.getTracks() ?? [];
    const { peer, senders } = this.way;
    const spare = [...(senders.get(kind) ?? [])];
    const kept = tracks.map((track) => {
      const at = spare.findIndex((sender) => sender.track?.kind === track.kind);
      const sender = at < 0 ? null : spare.splice(at, 1)[0]!;
      if (sender === null) return this.sendBy(peer, kind, track);
      if (sender.track !== track) void this.exchange(sender, kind, track);
      return sender;
    });
    for (const sender of spare) peer.remove(sender);
    senders.set(kind, kept);
  }

  /** Send no more than the line may carry. */
  ease(size: Size): void {
    this.size = size;
    for (const way of [this.way, this.before]) {
      for (const [kind, senders] of way?.senders ?? []) {
        for (const sender of senders) if (sender.track) void fit(sender, kind, sender.track, size);
      }
    }
  }

  restart(): void {
    if (this.way.peer.alone) this.startOver(true);
    else this.way.peer.restart();
  }

  close(): void {
    clearTimeout(this.renewing);
    this.shut(this.before);
    this.shut(this.way);
    this.before = null;
  }

  private open(alone = false): Way {
    const { polite, connect, servers, send, seat } = this.options;
    const peer = new Peer({ polite, connection: connect(), servers, send, alone });
    const way: Way = { peer, streams: new Map(), senders: new Map() };
    peer.on("stream", (stream) => {
      way.streams.set(stream.id, { seat, kind: this.kindOf(stream), stream });
      this.tell("streams", null);
    });
    peer.on("gone", (stream) => {
      // The word of an old stream's end may come after a new one of the same name.
      if (way.streams.get(stream.id)?.stream !== stream) return;
      way.streams.delete(stream.id);
      this.tell("streams", null);
    });
    peer.on("state", () => this.settle());
    peer.on("stuck", () => {
      if (way === this.way) this.renew();
    });
    this.way = way;
    this.openedAt = Date.now();
    for (const kind of this.options.local.keys()) this.bring(kind);
    return way;
  }

  /** The other side is there. */
  private greet(): void {
    if (!this.way.peer.alone) return;
    if (Date.now() - this.openedAt < FRESH) this.way.peer.release();
    else this.startOver(false);
  }

  private startOver(alone: boolean): void {
    this.shut(this.way);
    this.open(alone);
    this.settle();
  }

  private renew(): void {
    clearTimeout(this.renewing);
    this.renewing = undefined;
    const last = this.way;
    last.peer.retire();
    // Of two that are kept, the older shows what the newer never came to show.
    if (this.before?.peer.state === "connected" || (this.before && last.streams.size === 0)) {
      this.shut(last);
    } else {
      this.shut(this.before);
      this.before = last;
    }
    this.open();
    this.settle();
  }

  private settle(): void {
    const isSwapped = this.before !== null && this.way.peer.state === "connected";
    if (isSwapped) {
      this.shut(this.before);
      this.before = null;
      this.tell("streams", null);
    }
    const state = this.state;
    // Another connection carries the media now: whoever watches its figures must hear of it.
    if (state === this.said && !isSwapped) return;
    this.said = state;
    this.tell("state", state);
  }

  private shut(way: Way | null): void {
    way?.peer.silence();
    way?.peer.close();
  }

  private kindOf(stream: MediaStream): Kind {
    const name = readName(stream.id);
    // A name is only a claim: a stream belongs to the end that it comes from.
    return name?.seat === this.seat ? name.kind : "camera";
  }

  private sendBy(peer: Peer, kind: Kind, track: MediaStreamTrack): RTCRtpSender {
    const stream = this.options.local.get(kind)!;
    const sender = peer.add(track, stream, nameOf(this.options.mine, kind));
    void fit(sender, kind, track, this.size);
    return sender;
  }

  private async exchange(sender: RTCRtpSender, kind: Kind, track: MediaStreamTrack): Promise<void> {
    // A connection that was closed meanwhile sends nothing, whatever the track.
    await sender.replaceTrack(track).catch(() => undefined);
    await fit(sender, kind, track, this.size);
  }
}
