/**
 * This tab's way to a relay over time: the leg that is, and the one before it. A leg that broke, or a
 * network that changed, means another leg; the one before is kept, with its last pictures, until the
 * new one carries what it did. Where no relay can take us, we ask again now and then.
 *
 *   const relay = new Relay({ say, sends: true });
 *   relay.follow(on);                        // the service's words about legs
 *   relay.want({ case_id });                 // be ready for a call of this case
 *   relay.on("leg", (id) => ...);            // put the seat on this one
 *   relay.share("camera", stream);           // null takes it away
 *   relay.resume();                          // after every reconnection of the socket
 *   relay.release();                         // nothing is near any more
 */
import type { Heard, Near, OpenedLeg, Said } from "@/api/notices";
import { Emitter } from "./emitter";
import type { RemoteStream } from "./end";
import { Leg } from "./leg";
import type { Size } from "./limits";
import type { Kind } from "./naming";

export type RelayState = "closed" | "connecting" | "connected" | "interrupted" | "none";

export type Say = <E extends keyof Said>(event: E, object: Said[E]["takes"]) => Promise<Said[E]["gives"]>;

export interface RelayOptions {
  say: Say;
  connect?: (servers: RTCIceServer[]) => RTCPeerConnection;
  sends: boolean;
}

type Follow = <E extends keyof Heard>(event: E, tell: (object: Heard[E]) => void) => unknown;

/** How long to wait before the next leg; the first after a calm time is opened at once. */
export const WAITS = [0, 500, 1_000, 2_000, 4_000, 8_000, 15_000] as const;
export const NONE_AGAIN_AFTER = 30_000;
/** A leg that has lasted so long was a good one: what comes after it begins without a wait. */
export const CALM = 5_000;
/** A new leg that shows nothing yet takes over all the same. */
export const TAKES_OVER_AFTER = 3_000;

export class Relay extends Emitter<{ streams: null; state: RelayState; leg: string | null }> {
  private readonly options: RelayOptions;
  private readonly local = new Map<Kind, MediaStream>();
  private near: Near | undefined;
  private now: Leg | null = null;
  private before: Leg | null = null;
  private readonly expected = new Map<Kind, MediaStream>();
  private size: Size = "opening";
  private isNone = false;
  private wantsAnother = false;
  private asking = false;
  private again = false;
  /** Legs that the service knows to be over. */
  private readonly over = new WeakSet<Leg>();
  private failures = 0;
  private openedAt = 0;
  private said: { state: RelayState; leg: string | null } = { state: "closed", leg: null };
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private calming: ReturnType<typeof setTimeout> | undefined;
  private takingOver: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RelayOptions) {
    super();
    this.options = options;
  }

  /** The leg to put a seat on: the one before, while only it carries media. */
  get legId(): string | null {
    return this.seated?.id ?? null;
  }

  get state(): RelayState {
    if (this.near === undefined) return "closed";
    const { seated, before } = this;
    if (seated?.state === "connected") return "connected";
    if (this.isNone) return "none";
    const isFirst = before === null && (seated === null || seated.state === "connecting");
    return isFirst ? "connecting" : "interrupted";
  }

  /** The connection that carries media, for its statistics. */
  get connection(): RTCPeerConnection | null {
    return this.seated?.connection ?? null;
  }

  /** What comes in of a call. */
  streamsOf(callId: string): RemoteStream[] {
    const leg = this.before ?? this.now;
    return leg?.callId === callId ? leg.streams : [];
  }

  /** Hear what the service says about legs; returns what `on` does for each. */
  follow(on: Follow): unknown[] {
    const leg = ({ leg_id: id }: { leg_id: string }) =>
      [this.now, this.before].find((one) => one?.id === id);
    return [
      on("leg.answered", (said) => void leg(said)?.answer(said)),
      on("leg.refused", (said) => leg(said)?.refuse(said)),
      on("leg.lost", (said) => this.lose(leg(said))),
      on("negotiation.wanted", (said) => leg(said)?.want(said)),
      on("streams.mapped", (said) => leg(said)?.map(said.call_id, said.streams)),
    ];
  }

  /** Have a leg, by a relay that is right for what is near. */
  want(near: Near): void {
    if (this.near !== undefined && JSON.stringify(this.near) === JSON.stringify(near)) return;
    this.near = near;
    this.failures = 0;
    void this.ask();
  }

  /** Need none any more. */
  release(): void {
    this.near = undefined;
    this.isNone = false;
    for (const timer of [this.waiting, this.calming, this.takingOver]) clearTimeout(timer);
    this.shut(this.before);
    this.shut(this.now);
    this.before = this.now = null;
    this.settle();
  }

  /** The socket is there again: the leg may have lived on, and much may not have been heard. */
  resume(): void {
    if (this.near === undefined) return;
    this.failures = 0;
    void this.ask();
  }

  /**
   * The network has changed: the leg that is may be cut without knowing it yet, or go on for as long
   * as both networks are there. Open another beside it; whichever carries media is in use.
   */
  renew(): void {
    if (this.near === undefined || Date.now() - this.openedAt < CALM) return;
    if (this.now?.state !== "connected") {
      this.now?.break();
      return;
    }
    this.wantsAnother = true;
    void this.ask();
  }

  /** Send a stream of ours, in place of the last one of its kind; null: no more. */
  share(kind: Kind, stream: MediaStream | null): void {
    if (stream === null) this.local.delete(kind);
    else this.local.set(kind, stream);
    this.bring(kind);
  }

  /** Be ready to send a stream at once when it is shared; nothing of it is sent before. null: it is closed. */
  expect(kind: Kind, stream: MediaStream | null): void {
    if (stream === null) {
      this.expected.delete(kind);
      return;
    }
    this.expected.set(kind, stream);
    this.now?.expect(kind, stream);
  }

  /** Send this stream no more, unless another has taken its place by now. */
  unshare(kind: Kind, stream: MediaStream): void {
    if (this.local.get(kind) === stream) this.share(kind, null);
  }

  /** Send what the shared stream of a kind consists of now. */
  bring(kind: Kind): void {
    for (const leg of [this.now, this.before]) leg?.bring(kind);
  }

  /** Send no more than the line may carry. */
  ease(size: Size): void {
    this.size = size;
    for (const leg of [this.now, this.before]) leg?.ease(size);
  }

  private get seated(): Leg | null {
    const { before, now } = this;
    const isOlderInUse = before?.state === "connected" && !before.isFrozen;
    return isOlderInUse && now?.state !== "connected" ? before : now;
  }

  /** Ask for a leg; one question at a time. */
  private async ask(): Promise<void> {
    this.again = true;
    if (this.asking) return;
    this.asking = true;
    clearTimeout(this.waiting);
    try {
      while (this.again && this.near !== undefined) {
        this.again = false;
        await this.askOnce(this.near);
      }
    } catch {
      // The line is down, or what was near is over: whoever knows says so by `resume` or `want`.
      this.askLater(this.wait());
    } finally {
      this.asking = false;
    }
  }

  private async askOnce(near: Near): Promise<void> {
    const known = this.now;
    // The service would give a leg back of which it does not know that it broke.
    if (known?.state === "broken") await this.sayOver(known);
    const another = this.wantsAnother;
    this.wantsAnother = false;
    const opened = await this.request(near, this.idOfUse(known), another);
    this.isNone = opened === null;
    if (opened === null) this.askLater(NONE_AGAIN_AFTER);
    else if (opened.leg_id === this.before?.id) this.goBack(this.before);
    else if (opened.leg_id !== this.now?.id) this.begin(opened);
    else if (this.now.state === "broken") this.askLater(this.wait());
    this.settle();
  }

  /** Ask for a leg; null where no relay can take us, which the service's document cannot say. */
  private request(near: Near, known: string | null, another: boolean): Promise<OpenedLeg | null> {
    const aim = near && { case_id: null, offer_id: null, call_id: null, ...near };
    return this.options.say("leg.opened", { near: aim, leg_id: known, another });
  }

  private idOfUse(leg: Leg | null): string | null {
    return leg === null || leg.state === "broken" ? null : leg.id;
  }

  private askLater(wait: number): void {
    clearTimeout(this.waiting);
    if (this.near !== undefined) this.waiting = setTimeout(() => void this.ask(), wait);
  }

  private wait(): number {
    return WAITS[Math.min(this.failures++, WAITS.length - 1)]!;
  }

  private begin({ leg_id: id, ice_servers: servers }: OpenedLeg): void {
    if (this.near === undefined) {
      this.options.say("leg.closed", { leg_id: id }).catch(() => undefined);
      return;
    }
    const connect = this.options.connect ?? ((iceServers) => new RTCPeerConnection({ iceServers }));
    this.stepBack();
    const leg = new Leg({
      id,
      connection: connect(servers as RTCIceServer[]),
      offer: (said) => this.options.say("leg.offered", said),
      local: this.local,
      sends: this.options.sends,
      size: this.size,
    });
    this.now = leg;
    for (const [kind, stream] of this.expected) leg.expect(kind, stream);
    this.openedAt = Date.now();
    leg.on("streams", () => this.settle());
    leg.on("state", () => this.noteState(leg));
  }

  /** Make room for another leg: of two that there are, the older one has carried media. */
  private stepBack(): void {
    clearTimeout(this.calming);
    clearTimeout(this.takingOver);
    this.takingOver = undefined;
    if (this.before !== null) {
      this.shut(this.now);
      return;
    }
    const isOfUse = this.now?.state === "connected" || (this.now?.streams.length ?? 0) > 0;
    if (isOfUse) this.before = this.now;
    else this.shut(this.now);
  }

  /** The leg that was to take over came to nothing: stay on the one before, if it is of use yet. */
  private goBack(leg: Leg): void {
    this.before = null;
    if (leg.state !== "connected" || leg.isFrozen) {
      this.shut(leg);
      this.again = true;
      return;
    }
    this.shut(this.now);
    this.now = leg;
  }

  private noteState(leg: Leg): void {
    if (leg === this.now && leg.state === "broken") {
      clearTimeout(this.calming);
      this.askLater(this.wait());
    } else if (leg === this.now && leg.state === "connected") {
      this.calming = setTimeout(() => (this.failures = 0), CALM);
    }
    this.settle();
  }

  /** Let the new leg take over where it can, and say what has changed. */
  private settle(): void {
    const { now, before } = this;
    if (before !== null && now?.state === "connected") {
      // From here on the seat is on the new leg, and what is said of the old one would clear it.
      before.freeze();
      if (now.streams.length > 0 || before.streams.length === 0) this.takeOver();
      else this.takingOver ??= setTimeout(() => this.takeOver(), TAKES_OVER_AFTER);
    }
    const leg = this.legId;
    const { state, said } = this;
    this.said = { state, leg };
    if (leg !== said.leg) this.tell("leg", leg);
    if (state !== said.state) this.tell("state", state);
    this.tell("streams", null);
  }

  private takeOver(): void {
    clearTimeout(this.takingOver);
    this.takingOver = undefined;
    const before = this.before;
    this.before = null;
    // Whoever watches changes over before the old pictures end.
    this.tell("streams", null);
    this.shut(before);
  }

  private shut(leg: Leg | null): void {
    if (leg === null) return;
    leg.close();
    void this.sayOver(leg);
  }

  private lose(leg: Leg | null | undefined): void {
    if (!leg) return;
    this.over.add(leg);
    leg.break();
  }

  /** Tell the service once that a leg is over. */
  private async sayOver(leg: Leg): Promise<void> {
    if (this.over.has(leg)) return;
    this.over.add(leg);
    await this.options.say("leg.closed", { leg_id: leg.id }).catch(() => undefined);
  }
}
