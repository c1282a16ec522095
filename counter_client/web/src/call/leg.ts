/**
 * A leg: one connection of this tab with a relay. It is there before a call and serves the next one
 * too. Only we offer, so nothing collides; an offer and its answer bear the same number. Camera and
 * microphone have their sections from the start, and send nothing until `bring` finds something in
 * `local`. What comes into our slots is told by `map`. What becomes of a leg that broke is relay.ts's
 * affair: a network that changed means another leg.
 */
import type { Heard, MappedStream } from "@/api/notices";
import { Emitter } from "./emitter";
import type { RemoteStream } from "./end";
import { fit, hint, isFit, LIMITS, type Size } from "./limits";
import { type Kind, nameOf, nameStreams } from "./naming";
import { startAt } from "./start";

export type LegState = "connecting" | "connected" | "interrupted" | "broken";
type Sort = "audio" | "video";

export interface LegOptions {
  id: string;
  connection: RTCPeerConnection;
  /** Say an offer; what it rejects with is passed over, for an offer is said again. */
  offer: (said: { leg_id: string; n: number; sdp: string }) => Promise<unknown>;
  /** Our own streams, as they are at any moment. */
  local: ReadonlyMap<Kind, MediaStream>;
  /** A screen that only looks on has nothing to send. */
  sends: boolean;
  size: Size;
}

export const CONNECT_WITHIN = 10_000;
/** A line that only stutters comes back by itself within this. */
export const BROKEN_AFTER = 2_000;
export const SAY_AGAIN_AFTER = 3_000;
export const SAY_AGAIN = 3;
const MOST_SLOTS: Record<Sort, number> = { audio: 8, video: 16 };
const SORTS: readonly Sort[] = ["audio", "video"];

export class Leg extends Emitter<{ streams: null; state: LegState }> {
  readonly id: string;
  readonly connection: RTCPeerConnection;
  state: LegState = "connecting";
  /** What comes in, and the call that it is of. */
  streams: RemoteStream[] = [];
  callId: string | null = null;
  isFrozen = false;
  private readonly options: LegOptions;
  private size: Size;
  private readonly sections = new Map<Kind, RTCRtpTransceiver[]>();
  private readonly slots: Record<Sort, RTCRtpTransceiver[]> = { audio: [], video: [] };
  private readonly names = new Map<string, string>();
  private mapping: MappedStream[] = [];
  private n = 0;
  /** The number of the offer whose answer is waited for. */
  private due: number | null = null;
  private work: Promise<void> = Promise.resolve();
  private queued = 0;
  private repeating: ReturnType<typeof setTimeout> | undefined;
  private breaking: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LegOptions) {
    super();
    this.options = options;
    this.id = options.id;
    this.size = options.size;
    this.connection = options.connection;
    this.connection.onnegotiationneeded = () => void this.negotiate();
    this.connection.onconnectionstatechange = () => this.settle();
    this.breaking = setTimeout(() => this.break(), CONNECT_WITHIN);
    if (options.sends) for (const sort of SORTS) this.add("camera", sort);
    this.want({ audio: 1, video: 1 });
    for (const kind of options.local.keys()) this.bring(kind);
  }

  /** Send what is shared of a kind now, by the sections that there are where that can be. */
  bring(kind: Kind): void {
    this.queue(() => this.fill(kind));
  }

  /** A stream may be brought soon: bound its senders by then, and send nothing of it. */
  expect(kind: Kind, stream: MediaStream): void {
    this.queue(() => this.fitAhead(kind, stream));
  }

  /** Send no more than the line may carry. */
  ease(size: Size): void {
    if (this.size === size) return;
    this.size = size;
    this.queue(() => this.refit());
  }

  /** Take the answer to our last offer; one to an older offer is dropped. */
  async answer({ n, sdp }: Omit<Heard["leg.answered"], "leg_id">): Promise<void> {
    if (n !== this.due) return;
    this.due = null;
    clearTimeout(this.repeating);
    try {
      await this.connection.setRemoteDescription({ type: "answer", sdp: startAt(sdp) });
    } catch {
      this.break();
      return;
    }
    this.read();
  }

  /** Hear that an offer cannot be answered: nothing else would be, on this leg. */
  refuse({ n }: { n: number }): void {
    if (n === this.due) this.break();
  }

  /** Have so many slots of each kind, and offer `again` even if they are there. */
  want({ again, ...wanted }: Record<Sort, number> & { again?: boolean }): void {
    if (this.isFrozen) return;
    for (const sort of SORTS) {
      const number = Math.min(wanted[sort], MOST_SLOTS[sort]);
      while (this.slots[sort].length < number) {
        this.slots[sort].push(this.connection.addTransceiver(sort, { direction: "recvonly" }));
      }
    }
    if (again) void this.negotiate();
  }

  /** Hear what comes into which slot from now on. */
  map(callId: string, mapping: MappedStream[]): void {
    if (this.isFrozen) return;
    this.callId = callId;
    this.mapping = mapping;
    this.read();
  }

  /** Go on as it is, whatever is told: another leg has taken over. */
  freeze(): void {
    this.isFrozen = true;
  }

  /** Be of no use any more; its last pictures stay until it is closed. */
  break(): void {
    clearTimeout(this.repeating);
    clearTimeout(this.breaking);
    this.isFrozen = true;
    this.change("broken");
  }

  close(): void {
    this.silence();
    this.break();
    this.connection.onnegotiationneeded = null;
    this.connection.onconnectionstatechange = null;
    this.connection.close();
  }

  /** One after the other, for of two changes the later must win; at once where nothing is going on. */
  private queue(work: () => Promise<void>): void {
    const begun = this.queued === 0 ? work() : this.work.then(work);
    this.queued += 1;
    this.work = begun.catch(() => undefined).then(() => void (this.queued -= 1));
  }

  private async negotiate(): Promise<void> {
    if (this.state === "broken") return;
    try {
      await this.connection.setLocalDescription();
    } catch {
      return; // The connection was closed meanwhile.
    }
    this.n += 1;
    this.due = this.n;
    this.say();
  }

  private say(times = 0): void {
    const { n } = this;
    const sdp = nameStreams(this.connection.localDescription?.sdp ?? "", this.names);
    this.options.offer({ leg_id: this.id, n, sdp }).catch(() => undefined);
    clearTimeout(this.repeating);
    this.repeating = setTimeout(() => {
      if (times < SAY_AGAIN) this.say(times + 1);
      else this.break();
    }, SAY_AGAIN_AFTER);
  }

  private add(kind: Kind, sort: Sort): RTCRtpTransceiver {
    const stream = new MediaStream();
    const all = this.sections.get(kind) ?? [];
    // The sections of a kind are one stream: they bear one name.
    this.names.set(stream.id, nameOf("leg", kind));
    const { maxBitrate, maxFramerate } = LIMITS[kind];
    const section = this.connection.addTransceiver(sort, {
      direction: "sendonly",
      streams: [stream],
      sendEncodings: sort === "video" ? [{ maxBitrate, maxFramerate }] : [{}],
    });
    this.sections.set(kind, [...all, section]);
    return section;
  }

  private async fill(kind: Kind): Promise<void> {
    if (!this.options.sends || this.state === "broken") return;
    const tracks = this.options.local.get(kind)?.getTracks() ?? [];
    for (const track of tracks) {
      const sort = track.kind as Sort;
      const known = this.sections.get(kind)?.some((one) => sortOf(one) === sort);
      if (!known) this.add(kind, sort);
    }
    const sections = this.sections.get(kind) ?? [];
    await Promise.all(
      sections.map((section) => this.put(section, kind, tracks.find((one) => one.kind === sortOf(section)) ?? null)),
    );
  }

  private async put(section: RTCRtpTransceiver, kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    // Those that are seldom shared go and come; the camera's must be ready before the call.
    const direction = track === null && kind !== "camera" ? "inactive" : "sendonly";
    if (section.direction !== direction) section.direction = direction;
    if (section.sender.track === track) return;
    if (track !== null) hint(kind, track);
    // The bounds come first, so that the encoder begins at the right size.
    if (track !== null && !isFit(section.sender, kind, track, this.size)) await fit(section.sender, kind, track, this.size);
    await section.sender.replaceTrack(track);
  }

  private async fitAhead(kind: Kind, stream: MediaStream): Promise<void> {
    for (const section of this.sections.get(kind) ?? []) {
      const track = stream.getTracks().find((one) => one.kind === sortOf(section));
      if (track && section.sender.track === null) await fit(section.sender, kind, track, this.size);
    }
  }

  private async refit(): Promise<void> {
    for (const [kind, sections] of this.sections) {
      for (const { sender } of sections) {
        if (sender.track) await fit(sender, kind, sender.track, this.size);
      }
    }
  }

  /** Build the streams anew; one whose tracks are the same stays the same. */
  private read(): void {
    const found = new Map<string, Omit<RemoteStream, "stream"> & { tracks: MediaStreamTrack[] }>();
    const slots = [...this.slots.audio, ...this.slots.video];
    for (const { mid, seat_id: seat, kind } of this.mapping) {
      const track = slots.find((slot) => slot.mid === mid)?.receiver.track;
      if (track === undefined) continue;
      const key = nameOf(seat, kind);
      const one = found.get(key) ?? { seat, kind, tracks: [] };
      one.tracks.push(track);
      found.set(key, one);
    }
    this.streams = [...found.values()].map(({ seat, kind, tracks }) => {
      const known = this.streams.find((one) => one.seat === seat && one.kind === kind);
      const isSame = known !== undefined && hasExactly(known.stream, tracks);
      return isSame ? known : { seat, kind, stream: new MediaStream(tracks) };
    });
    this.tell("streams", null);
  }

  private settle(): void {
    if (this.state === "broken") return;
    switch (this.connection.connectionState) {
      case "connected":
        clearTimeout(this.breaking);
        this.change("connected");
        break;
      case "disconnected":
        clearTimeout(this.breaking);
        this.breaking = setTimeout(() => this.break(), BROKEN_AFTER);
        this.change("interrupted");
        break;
      case "failed":
      case "closed":
        this.break();
        break;
    }
  }

  private change(state: LegState): void {
    if (this.state === state) return;
    this.state = state;
    this.tell("state", state);
  }
}

function sortOf(section: RTCRtpTransceiver): string {
  return section.receiver.track.kind;
}

function hasExactly(stream: MediaStream, tracks: MediaStreamTrack[]): boolean {
  const own = stream.getTracks();
  return own.length === tracks.length && tracks.every((track) => own.includes(track));
}
