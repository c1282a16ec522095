/**
 * For tests: an RTCPeerConnection that keeps the rules of signalling (states, implicit rollback,
 * negotiation that is asked for only while stable, certificates), and nothing else.
 */

interface Sender {
  track: MediaStreamTrack | null;
  limits: { encodings?: RTCRtpEncodingParameters[] };
}

interface Transceiver {
  sender: Sender;
  direction: RTCRtpTransceiverDirection;
  receiver: { track: { kind: string } };
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
  private made = 0;
  private isNeeded = false;
  private isAsking = false;

  constructor(readonly name: string) {}

  addTrack(track: MediaStreamTrack): RTCRtpSender {
    const sender: Sender & Record<string, unknown> = {
      track,
      limits: {},
      getParameters: () => ({}),
      setParameters: async (limits: Sender["limits"]) => void (sender.limits = limits),
      replaceTrack: async (other: MediaStreamTrack) => void (sender.track = other),
      setStreams: () => this.need(),
    };
    this.transceivers.push({ sender, direction: "sendrecv", receiver: { track: { kind: track.kind } } });
    this.need();
    return sender as unknown as RTCRtpSender;
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
    this.localDescription = this.describe(type, `${this.name} ${type} ${++this.made}`);
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
