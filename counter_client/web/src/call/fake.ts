/** For tests: an RTCPeerConnection that keeps the rules of signalling, and nothing else. */

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
  senders: { track: MediaStreamTrack | null }[] = [];
  restarts = 0;
  rollbacks = 0;
  closed = false;
  private made = 0;

  constructor(readonly name: string) {}

  addTrack(track: MediaStreamTrack): RTCRtpSender {
    const sender = { track, getParameters: () => ({}), setParameters: async () => undefined };
    this.senders.push(sender);
    queueMicrotask(() => this.onnegotiationneeded?.());
    return sender as unknown as RTCRtpSender;
  }

  removeTrack(sender: { track: MediaStreamTrack | null }): void {
    this.senders = this.senders.filter((one) => one !== sender);
  }

  async setLocalDescription(): Promise<void> {
    await Promise.resolve();
    if (this.closed) throw new DOMException("closed", "InvalidStateError");
    const type = this.signalingState === "have-remote-offer" ? "answer" : "offer";
    this.localDescription = this.describe(type, `${this.name} ${type} ${++this.made}`);
    this.signalingState = type === "offer" ? "have-local-offer" : "stable";
  }

  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    await Promise.resolve();
    if (description.type === "offer") {
      if (this.signalingState === "have-local-offer") this.rollbacks++;
      this.signalingState = "have-remote-offer";
    } else {
      if (this.signalingState !== "have-local-offer") {
        throw new DOMException("no offer to answer", "InvalidStateError");
      }
      this.signalingState = "stable";
    }
    this.remoteDescription = this.describe(description.type, description.sdp);
  }

  async addIceCandidate(candidate?: RTCIceCandidateInit): Promise<void> {
    if (this.remoteDescription === null) throw new DOMException("too early", "InvalidStateError");
    this.candidates.push(candidate);
  }

  restartIce(): void {
    this.restarts++;
  }

  close(): void {
    this.closed = true;
  }

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  private describe(type: string, sdp: string): RTCSessionDescription {
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
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
