/** What a sender may use: a counter's picture is for faces and papers, not for cinema. */
import type { Kind } from "./naming";

export interface SendLimits {
  scaleDownBy: number;
  maxFramerate: number;
  maxBitrate: number;
}

export const LIMITS: Record<Kind, Omit<SendLimits, "scaleDownBy"> & { height: number }> = {
  camera: { height: 720, maxFramerate: 30, maxBitrate: 1_800_000 },
  screen: { height: 1080, maxFramerate: 10, maxBitrate: 2_000_000 },
  document: { height: 1080, maxFramerate: 15, maxBitrate: 2_000_000 },
};

/** The camera is opened at its largest for the still; the sender scales it down. */
export function limitsFor(kind: Kind, track: MediaStreamTrack): SendLimits {
  const { height, maxFramerate, maxBitrate } = LIMITS[kind];
  const own = track.getSettings?.().height ?? height;
  return { scaleDownBy: Math.max(1, own / height), maxFramerate, maxBitrate };
}

/** Bound what a sender uses; a browser that does not know a limit goes without it. */
export async function limit(sender: RTCRtpSender, limits: SendLimits): Promise<void> {
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) parameters.encodings = [{}];
  for (const encoding of parameters.encodings) {
    encoding.scaleResolutionDownBy = limits.scaleDownBy;
    encoding.maxFramerate = limits.maxFramerate;
    encoding.maxBitrate = limits.maxBitrate;
  }
  await sender.setParameters(parameters).catch(() => undefined);
}

/** Prepare a sender for a track of a kind: papers and screens must be sharp, faces must move. */
export async function fit(sender: RTCRtpSender, kind: Kind, track: MediaStreamTrack): Promise<void> {
  if (track.kind !== "video") return;
  if (kind !== "camera") track.contentHint = "detail";
  await limit(sender, limitsFor(kind, track));
}
