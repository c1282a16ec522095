/**
 * One connection to an end, negotiated by the "perfect negotiation" pattern: of two ends that offer
 * at once the polite one gives way. Candidates are trickled; `null` ends them. A Peer is one
 * RTCPeerConnection for all of its life: what becomes of an end that starts anew is end.ts's affair.
 *
 * The first offer is left to the impolite end: in Chromium 156 an end that takes its offer back while it
 * gathers candidates may never find one for the offer that it takes instead.
 *
 * A Peer may be made before its other end is there: its offer, with the candidates that it has found by
 * then, waits for `release()`.
 *
 * Signals are hints and may be lost: an offer that nobody answers is said again, and a connection
 * that was cut, or never came about, looks for a new way until it has one or is told to be "stuck".
 */
import type { Candidate, Description } from "@/api/notices";
import { Emitter } from "./emitter";
import { fingerprintOf, fragmentOf, nameStreams } from "./naming";
import { startAt } from "./start";

export type Signal = { description: Description } | { candidate: Candidate | null };
export type PeerState = "connecting" | "connected" | "interrupted" | "closed";

export interface PeerEvents {
  stream: MediaStream;
  /** A stream that has no track any more. */
  gone: MediaStream;
  state: PeerState;
  /** New ways were sought in vain: only a new connection may still do. */
  stuck: null;
}

export interface PeerOptions {
  polite: boolean;
  connection: RTCPeerConnection;
  /** The servers as they are now: users of TURN servers last ten minutes. */
  servers: () => RTCIceServer[];
  send: (signal: Signal) => void;
  /** It is made before its other end is there. */
  alone?: boolean;
}

/** A line that only stutters comes back by itself within this. */
export const RESTART_AFTER = 2_500;
export const RESTART_EVERY = 5_000;
export const RESTARTS = 3;
/** Both ends know each other's descriptions: where they can reach each other at all, they have by then. */
export const CONNECT_WITHIN = 6_000;
/** So long the polite end lets the other one offer first. */
export const PATIENCE = 1_000;
export const SAY_AGAIN_AFTER = 4_000;
export const SAY_AGAIN = 5;

export class Peer extends Emitter<PeerEvents> {
  readonly connection: RTCPeerConnection;
  state: PeerState = "connecting";
  /** The other end is not there yet: nothing is said. */
  alone: boolean;
  private readonly polite: boolean;
  private readonly send: (signal: Signal) => void;
  private readonly servers: () => RTCIceServer[];
  private readonly names = new Map<string, string>();
  private makingOffer = false;
  private ignoringOffer = false;
  private retired = false;
  /** Whose descriptions these are: every connection has a certificate of its own. */
  private fingerprint: string | null = null;
  private waiting: (Candidate | null)[] = [];
  private resting: RTCRtpTransceiver[] = [];
  private work: Promise<void> = Promise.resolve();
  private restarting: ReturnType<typeof setTimeout> | undefined;
  /** How often a new way was sought since there was one. */
  private restarts = 0;
  private wasConnected = false;
  private offering: ReturnType<typeof setTimeout> | undefined;
  private repeating: ReturnType<typeof setTimeout> | undefined;
  /** When our last description was said. */
  private saidAt = 0;
  /** The polite end has something to offer, to which it waits for the other's first. */
  private hasMore = false;

  constructor(options: PeerOptions) {
    super();
    this.polite = options.polite;
    this.connection = options.connection;
    this.send = options.send;
    this.servers = options.servers;
    this.alone = options.alone ?? false;
    const pc = this.connection;
    pc.onnegotiationneeded = () => this.negotiate();
    pc.onicecandidate = ({ candidate }) => {
      if (!this.alone) this.send({ candidate: outgoing(candidate) });
    };
    pc.onconnectionstatechange = () => this.settle();
    pc.ontrack = ({ streams }) => {
      const stream = streams[0];
      if (!stream) return;
      this.tell("stream", stream);
      stream.onremovetrack = () => {
        if (stream.getTracks().length === 0) this.tell("gone", stream);
      };
    };
  }

  /**
   * Send a track of a stream that the other end knows as `name`. A section of the SDP that rests is
   * used again: browsers never take one out, and the service bounds how many there may be.
   */
  add(track: MediaStreamTrack, stream: MediaStream, name: string): RTCRtpSender {
    this.names.set(stream.id, name);
    const at = this.resting.findIndex((one) => one.receiver.track.kind === track.kind);
    const rested = at < 0 ? undefined : this.resting.splice(at, 1)[0];
    if (rested === undefined) return this.connection.addTrack(track, stream);
    rested.direction = rested.direction === "inactive" ? "sendonly" : "sendrecv";
    rested.sender.setStreams(stream);
    // A connection that was closed meanwhile sends nothing, whatever the track.
    void rested.sender.replaceTrack(track).catch(() => undefined);
    return rested.sender;
  }

  /** Send a track no more; its section rests. */
  remove(sender: RTCRtpSender): void {
    const transceiver = this.connection.getTransceivers().find((one) => one.sender === sender);
    this.connection.removeTrack(sender);
    if (transceiver !== undefined) this.resting.push(transceiver);
  }

  /** The other end is there: say what was ready for it. */
  release(): void {
    this.alone = false;
    const { signalingState, iceGatheringState } = this.connection;
    if (signalingState === "have-local-offer") {
      this.describe();
      if (iceGatheringState === "complete") this.send({ candidate: null });
    }
    if (this.hasMore) this.negotiate();
  }

  /** Say whether a description comes from another connection than those that were heard before. */
  isOfAnother(description: Description): boolean {
    const fingerprint = fingerprintOf(description.sdp);
    return fingerprint !== null && this.fingerprint !== null && fingerprint !== this.fingerprint;
  }

  /** Take what the other end sent; a description or candidate of another time is dropped. */
  hear(signal: Signal): Promise<void> {
    if ("description" in signal) this.fingerprint ??= fingerprintOf(signal.description.sdp);
    // One after the other: a candidate must not overtake the description that it belongs to.
    this.work = this.work.then(() => this.take(signal)).catch((error: unknown) => {
      console.warn("signal not taken", error);
    });
    return this.work;
  }

  /** Find a new way through a network that changed. */
  restart(): void {
    if (this.state === "closed" || this.retired) return;
    this.refresh();
    this.connection.restartIce();
  }

  /** Let the next search for ways begin with servers that take us. */
  private refresh(): void {
    const pc = this.connection;
    pc.setConfiguration({ ...pc.getConfiguration(), iceServers: this.servers() });
  }

  /** Carry media for as long as it lasts, and negotiate no more. */
  retire(): void {
    this.retired = true;
    for (const timer of [this.restarting, this.offering, this.repeating]) clearTimeout(timer);
    this.connection.onnegotiationneeded = null;
    this.connection.onicecandidate = null;
  }

  close(): void {
    this.retire();
    const pc = this.connection;
    pc.onconnectionstatechange = null;
    pc.ontrack = null;
    pc.close();
    this.change("closed");
  }

  private negotiate(): void {
    const isFirst = this.connection.remoteDescription === null;
    if (!this.polite || !isFirst) {
      void this.offer();
      return;
    }
    this.hasMore = true;
    if (this.alone) return;
    // What comes meanwhile is answered with all that we send; nothing is then left to offer.
    this.offering ??= setTimeout(() => {
      if (this.connection.remoteDescription === null) void this.offer();
    }, PATIENCE);
  }

  private async offer(): Promise<void> {
    try {
      this.makingOffer = true;
      await this.connection.setLocalDescription();
      this.describe();
    } catch {
      // The connection was closed, or the other end's offer came first: negotiation goes on there.
    } finally {
      this.makingOffer = false;
    }
  }

  private async take(signal: Signal): Promise<void> {
    if (this.state === "closed" || this.retired) return;
    if ("description" in signal) await this.takeDescription(signal.description);
    else await this.takeCandidate(signal.candidate);
  }

  private async takeDescription(description: Description): Promise<void> {
    const pc = this.connection;
    const collision =
      description.type === "offer" && (this.makingOffer || pc.signalingState !== "stable");
    this.ignoringOffer = !this.polite && collision;
    if (this.ignoringOffer) {
      // Whoever offers so long after us has not heard our offer, which was made to who sat there before.
      if (!this.makingOffer && Date.now() - this.saidAt >= PATIENCE) this.describe();
      return;
    }
    // An answer to an offer that was rolled back, or that came twice, has nothing to answer.
    if (description.type === "answer" && pc.signalingState !== "have-local-offer") return;
    // Where the other side seeks new ways, so do we with our answer.
    const fragment = fragmentOf(pc.remoteDescription?.sdp ?? "");
    if (fragment !== null && fragment !== fragmentOf(description.sdp)) this.refresh();
    await pc.setRemoteDescription({ type: description.type, sdp: startAt(description.sdp) });
    const held = this.waiting;
    this.waiting = [];
    for (const candidate of held) await this.addCandidate(candidate);
    if (description.type === "offer") {
      await pc.setLocalDescription();
      this.describe();
    }
    if (this.state !== "connected") this.seek(CONNECT_WITHIN);
  }

  private async takeCandidate(candidate: Candidate | null): Promise<void> {
    if (this.connection.remoteDescription === null) this.waiting.push(candidate);
    else await this.addCandidate(candidate);
  }

  private async addCandidate(candidate: Candidate | null): Promise<void> {
    try {
      await this.connection.addIceCandidate(incoming(candidate));
    } catch (error) {
      // Candidates of an offer that we did not take belong to nothing.
      if (!this.ignoringOffer) console.warn("candidate not taken", error);
    }
  }

  private describe(times = 0): void {
    const local = this.connection.localDescription;
    if (this.alone || this.retired || (local?.type !== "offer" && local?.type !== "answer")) return;
    this.saidAt = Date.now();
    this.send({ description: { type: local.type, sdp: nameStreams(local.sdp, this.names) } });
    clearTimeout(this.repeating);
    if (local.type === "offer" && times < SAY_AGAIN) {
      this.repeating = setTimeout(() => {
        if (this.connection.signalingState === "have-local-offer") this.describe(times + 1);
      }, SAY_AGAIN_AFTER);
    }
  }

  private settle(): void {
    switch (this.connection.connectionState) {
      case "connected":
        clearTimeout(this.restarting);
        this.restarts = 0;
        this.wasConnected = true;
        this.change("connected");
        break;
      case "disconnected":
        this.seek(RESTART_AFTER);
        this.change("interrupted");
        break;
      case "failed":
        this.seek(0);
        this.change("interrupted");
        break;
      case "closed":
        this.change("closed");
        break;
    }
  }

  /** Look for a new way after so long; the polite end only if the other one has not begun to. */
  private seek(after: number): void {
    clearTimeout(this.restarting);
    if (this.retired) return;
    this.restarting = setTimeout(() => {
      if (this.restarts === (this.wasConnected ? RESTARTS : 1)) {
        this.tell("stuck", null);
        return;
      }
      this.restarts += 1;
      this.restart();
      this.seek(RESTART_EVERY);
    }, after + (this.polite ? PATIENCE : 0));
  }

  private change(state: PeerState): void {
    if (this.state === state) return;
    this.state = state;
    this.tell("state", state);
  }
}

function outgoing(candidate: RTCIceCandidate | null): Candidate | null {
  if (candidate === null || candidate.candidate === "") return null;
  return {
    candidate: candidate.candidate,
    sdp_mid: candidate.sdpMid,
    sdp_m_line_index: candidate.sdpMLineIndex,
    username_fragment: candidate.usernameFragment,
  };
}

function incoming(candidate: Candidate | null): RTCIceCandidateInit | undefined {
  if (candidate === null) return undefined;
  return {
    candidate: candidate.candidate,
    sdpMid: candidate.sdp_mid,
    sdpMLineIndex: candidate.sdp_m_line_index,
    usernameFragment: candidate.username_fragment,
  };
}
