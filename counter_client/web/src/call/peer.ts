/**
 * One end that a seat negotiates with, by the "perfect negotiation" pattern: of two ends that offer
 * at once the polite one gives way. Candidates are trickled; `null` ends them. An end whose holder
 * reconnects is a new Peer (see call.ts): a connection is never told of another one's candidates.
 */
import type { Candidate, Description } from "@/api/notices";
import { Emitter } from "./emitter";
import { nameStreams } from "./naming";

export type Signal = { description: Description } | { candidate: Candidate | null };
export type PeerState = "connecting" | "connected" | "interrupted" | "closed";

export interface PeerEvents {
  stream: MediaStream;
  gone: string;
  state: PeerState;
}

export interface PeerOptions {
  polite: boolean;
  connection: RTCPeerConnection;
  send: (signal: Signal) => void;
}

/** What a sender may use: a service counter's picture is for faces and papers, not for cinema. */
export interface SendLimits {
  scaleDownBy: number;
  maxFramerate: number;
  maxBitrate: number;
}

export class Peer extends Emitter<PeerEvents> {
  readonly connection: RTCPeerConnection;
  state: PeerState = "connecting";
  private readonly polite: boolean;
  private readonly send: (signal: Signal) => void;
  private readonly names = new Map<string, string>();
  private makingOffer = false;
  private ignoringOffer = false;
  private waiting: (Candidate | null)[] = [];
  private work: Promise<void> = Promise.resolve();

  constructor(options: PeerOptions) {
    super();
    this.polite = options.polite;
    this.connection = options.connection;
    this.send = options.send;
    const pc = this.connection;
    pc.onnegotiationneeded = () => void this.offer();
    pc.onicecandidate = ({ candidate }) => this.send({ candidate: outgoing(candidate) });
    pc.onconnectionstatechange = () => this.settle();
    pc.ontrack = ({ streams }) => {
      const stream = streams[0];
      if (!stream) return;
      this.tell("stream", stream);
      stream.onremovetrack = () => {
        if (stream.getTracks().length === 0) this.tell("gone", stream.id);
      };
    };
  }

  /** Send a track of a stream that the other end knows as `name`. */
  add(track: MediaStreamTrack, stream: MediaStream, name: string): RTCRtpSender {
    this.names.set(stream.id, name);
    return this.connection.addTrack(track, stream);
  }

  /** Take what the other end sent; a description or candidate of another time is dropped. */
  hear(signal: Signal): Promise<void> {
    // One after the other: a candidate must not overtake the description that it belongs to.
    this.work = this.work.then(() => this.take(signal)).catch(() => undefined);
    return this.work;
  }

  /** Find a new way through a network that changed. */
  restart(): void {
    if (this.state !== "closed") this.connection.restartIce();
  }

  close(): void {
    const pc = this.connection;
    pc.onnegotiationneeded = null;
    pc.onicecandidate = null;
    pc.onconnectionstatechange = null;
    pc.ontrack = null;
    pc.close();
    this.change("closed");
  }

  private async offer(): Promise<void> {
    const pc = this.connection;
    try {
      this.makingOffer = true;
      await pc.setLocalDescription();
      this.describe();
    } catch {
      // The connection was closed, or the other end's offer came first: negotiation goes on there.
    } finally {
      this.makingOffer = false;
    }
  }

  private async take(signal: Signal): Promise<void> {
    if (this.state === "closed") return;
    if ("description" in signal) await this.takeDescription(signal.description);
    else await this.takeCandidate(signal.candidate);
  }

  private async takeDescription(description: Description): Promise<void> {
    const pc = this.connection;
    const collision =
      description.type === "offer" && (this.makingOffer || pc.signalingState !== "stable");
    this.ignoringOffer = !this.polite && collision;
    if (this.ignoringOffer) return;
    // An answer to an offer that was rolled back has nothing to answer.
    if (description.type === "answer" && pc.signalingState !== "have-local-offer") return;
    await pc.setRemoteDescription(description);
    const held = this.waiting;
    this.waiting = [];
    for (const candidate of held) await this.addCandidate(candidate);
    if (description.type === "offer") {
      await pc.setLocalDescription();
      this.describe();
    }
  }

  private async takeCandidate(candidate: Candidate | null): Promise<void> {
    if (this.connection.remoteDescription === null) this.waiting.push(candidate);
    else await this.addCandidate(candidate);
  }

  private async addCandidate(candidate: Candidate | null): Promise<void> {
    try {
      await this.connection.addIceCandidate(incoming(candidate));
    } catch (error) {
      if (!this.ignoringOffer) console.warn("candidate not taken", error);
    }
  }

  private describe(): void {
    const local = this.connection.localDescription;
    if (local === null || (local.type !== "offer" && local.type !== "answer")) return;
    this.send({ description: { type: local.type, sdp: nameStreams(local.sdp, this.names) } });
  }

  private settle(): void {
    const pc = this.connection;
    switch (pc.connectionState) {
      case "connected":
        this.change("connected");
        break;
      case "disconnected":
        this.change("interrupted");
        break;
      case "failed":
        this.change("interrupted");
        pc.restartIce();
        break;
      case "closed":
        this.change("closed");
        break;
    }
  }

  private change(state: PeerState): void {
    if (this.state === state) return;
    this.state = state;
    this.tell("state", state);
  }
}

/** Bound what a sender uses; a browser that does not know a limit goes without it. */
export async function limit(sender: RTCRtpSender, limits: SendLimits): Promise<void> {
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) parameters.encodings = [{}];
  for (const encoding of parameters.encodings) {
    encoding.scaleResolutionDownBy = Math.max(1, limits.scaleDownBy);
    encoding.maxFramerate = limits.maxFramerate;
    encoding.maxBitrate = limits.maxBitrate;
  }
  await sender.setParameters(parameters).catch(() => undefined);
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
