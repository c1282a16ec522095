/**
 * For tests: an RTCPeerConnection that keeps the rules of signalling (states, implicit rollback,
 * negotiation that is asked for only while stable, certificates) and nothing else, and a call.
 */
import type { Call } from "@/api/shapes";

interface Sender {
  track: MediaStreamTrack | null;
  limits: { encodings?: RTCRtpEncodingParameters[] };
}

interface Transceiver {
  mid: string | null;
  sender: Sender;
  direction: RTCRtpTransceiverDirection;
  receiver: { track: MediaStreamTrack };
  streams: string[];
}

export class FakeConnection {
  signalingState: RTCSignalingState = "stable";
  connectionState: RTCPeerConnectionState = "new";
  localDescription: RTCSessionDescription | null = null;
  remoteDescription: RTCSessionDescription | null = null;
  onnegotiationneeded: (() => void) | null = null;
  onicecandidate: ((event: { candidate: RTCIceCandidate | null }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  ontrack: ((event: { streams: MediaStream[] }) => void) | null = null;
  candidates: (RTCIceCandidateInit | undefined)[] = [];
  transceivers: Transceiver[] = [];
  restarts = 0;
  rollbacks = 0;
  closed = false;
  configuration: RTCConfiguration = {};
  private made = 0;
  private isNeeded = false;
  private isAsking = false;

  constructor(readonly name: string) {}

  addTrack(track: MediaStreamTrack): RTCRtpSender {
    const { sender } = this.add(track.kind as "audio" | "video", { direction: "sendrecv" });
    sender.track = track;
    return sender as unknown as RTCRtpSender;
  }

  addTransceiver(kind: "audio" | "video", init: RTCRtpTransceiverInit): RTCRtpTransceiver {
    return this.add(kind, init) as unknown as RTCRtpTransceiver;
  }

  /** Browsers keep the section of a track that was taken away. */
  removeTrack(sender: Sender): void {
    if (this.closed) throw new DOMException("closed", "InvalidStateError");
    const found = this.transceivers.find((one) => one.sender === sender);
    if (found) found.direction = "recvonly";
    sender.track = null;
    this.need();
  }

  getTransceivers(): RTCRtpTransceiver[] {
    return this.transceivers as unknown as RTCRtpTransceiver[];
  }

  /** What sends something now. */
  get senders(): Sender[] {
    return this.transceivers.map((one) => one.sender).filter((one) => one.track !== null);
  }

  async setLocalDescription(): Promise<void> {
    await Promise.resolve();
    if (this.closed) throw new DOMException("closed", "InvalidStateError");
    const type = this.signalingState === "have-remote-offer" ? "answer" : "offer";
    for (const [at, one] of this.transceivers.entries()) one.mid ??= String(at);
    const lines = this.transceivers.map((one) => `a=mid:${one.mid} ${one.direction}\na=msid:${one.streams[0] ?? "-"} t`);
    this.localDescription = this.describe(type, [`${this.name} ${type} ${++this.made}`, ...lines].join("\n"));
    this.signalingState = type === "offer" ? "have-local-offer" : "stable";
    // An answer brings our tracks along; an offer does, unless it is rolled back.
    this.isNeeded = false;
  }

  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    await Promise.resolve();
    if (this.closed) throw new DOMException("closed", "InvalidStateError");
    if (description.type === "offer") {
      if (this.signalingState === "have-local-offer") {
        this.rollbacks++;
        this.isNeeded = true;
      }
      this.signalingState = "have-remote-offer";
    } else {
      if (this.signalingState !== "have-local-offer") {
        throw new DOMException("no offer to answer", "InvalidStateError");
      }
      this.signalingState = "stable";
    }
    this.remoteDescription = { ...description } as RTCSessionDescription;
    this.ask();
  }

  async addIceCandidate(candidate?: RTCIceCandidateInit): Promise<void> {
    if (this.remoteDescription === null) throw new DOMException("too early", "InvalidStateError");
    this.candidates.push(candidate);
  }

  getConfiguration(): RTCConfiguration {
    return this.configuration;
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }

  restartIce(): void {
    this.restarts++;
    this.need();
  }

  close(): void {
    this.closed = true;
    this.signalingState = "closed";
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  private add(kind: "audio" | "video", init: RTCRtpTransceiverInit): Transceiver {
    const need = () => this.need();
    const sender: Sender & Record<string, unknown> = {
      track: null,
      limits: {},
      getParameters: () => ({}),
      setParameters: async (limits: Sender["limits"]) => void (sender.limits = limits),
      replaceTrack: async (other: MediaStreamTrack | null) => void (sender.track = other),
      setStreams: need,
    };
    let direction = init.direction ?? "sendrecv";
    const added: Transceiver = {
      mid: null,
      sender,
      receiver: { track: fakeTrack(kind) },
      streams: (init.streams ?? []).map((stream) => stream.id),
      get direction() {
        return direction;
      },
      set direction(wanted) {
        direction = wanted;
        need();
      },
    };
    this.transceivers.push(added);
    need();
    return added;
  }

  private need(): void {
    this.isNeeded = true;
    this.ask();
  }

  /** As browsers do it: later, once, and only while stable. */
  private ask(): void {
    if (this.isAsking) return;
    this.isAsking = true;
    queueMicrotask(() => {
      this.isAsking = false;
      if (this.isNeeded && this.signalingState === "stable") this.onnegotiationneeded?.();
    });
  }

  private describe(type: string, words: string): RTCSessionDescription {
    const sdp = `${words}\na=fingerprint:sha-256 ${this.name.toUpperCase()}\n`;
    return { type, sdp } as RTCSessionDescription;
  }
}

/** Stands where the browser's MediaStream would: `vi.stubGlobal("MediaStream", FakeStream)`. */
export class FakeStream {
  private static made = 0;
  readonly id = `stream-${++FakeStream.made}`;

  constructor(private readonly tracks: MediaStreamTrack[] = []) {}

  getTracks(): MediaStreamTrack[] {
    return this.tracks;
  }
}

export function fakeTrack(kind: "video" | "audio"): MediaStreamTrack {
  return { kind, getSettings: () => ({ height: 2160 }) } as unknown as MediaStreamTrack;
}

export function fakeStream(id: string, ...tracks: MediaStreamTrack[]): MediaStream {
  return { id, getTracks: () => tracks } as unknown as MediaStream;
}

/** Let everything that is waiting happen. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 80; i++) await Promise.resolve();
}

/** When every seat was taken first. */
export const T0 = "2026-11-22T04:00:00.000000Z";
/** A later moment, at which a seat is taken anew. */
export const T1 = "2026-11-22T04:00:09.000000Z";

/** A call of two seats, ours and the far one, that connect directly. */
export function callOf(remote: { since?: string; connected?: boolean; mine?: string } = {}): Call {
  const seat = (id: string, side: string, since: string, connected = true) => ({
    id, side, since, connected, order: 0, name: "", office: "", media_up: false,
  });
  return {
    id: "call",
    my_seat: "me",
    topology: "direct",
    connected_at: null,
    seats: [seat("me", "local", remote.mine ?? T0), seat("far", "remote", remote.since ?? T0, remote.connected ?? true)],
    ends: [{ seat_id: "far", polite: false }],
    ice_servers: [],
  } as unknown as Call;
}
