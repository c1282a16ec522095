/** What a sender may use: a counter's picture is for faces and papers, not for cinema. */
import type { Rung } from "./ladder";
import type { Kind } from "./naming";

export interface SendLimits {
  active: boolean;
  scaleDownBy: number;
  maxFramerate: number;
  maxBitrate: number;
}

type Bounds = Omit<SendLimits, "active" | "scaleDownBy"> & { height: number };

export const LIMITS: Record<Kind, Bounds> = {
  camera: { height: 720, maxFramerate: 30, maxBitrate: 1_800_000 },
  screen: { height: 1080, maxFramerate: 10, maxBitrate: 2_000_000 },
  document: { height: 1080, maxFramerate: 15, maxBitrate: 2_000_000 },
};

/** On a poor line faces become smaller and slower; papers only slower, for they must be read. */
const REDUCED: Record<Kind, Bounds> = {
  camera: { height: 360, maxFramerate: 12, maxBitrate: 300_000 },
  screen: { height: 1080, maxFramerate: 3, maxBitrate: 600_000 },
  document: { height: 1080, maxFramerate: 3, maxBitrate: 600_000 },
};

/** The camera is opened at its largest for the still; the sender scales it down. */
export function limitsFor(kind: Kind, track: MediaStreamTrack, rung: Rung = "full"): SendLimits {
  const { height, maxFramerate, maxBitrate } = (rung === "full" ? LIMITS : REDUCED)[kind];
  const own = track.getSettings?.().height ?? height;
  const active = rung !== "voice";
  return { active, scaleDownBy: Math.max(1, own / height), maxFramerate, maxBitrate };
}

/** Bound what a sender uses; a browser that does not know a limit goes without it. */
export async function limit(sender: RTCRtpSender, limits: SendLimits): Promise<void> {
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) parameters.encodings = [{}];
  for (const encoding of parameters.encodings) {
    encoding.active = limits.active;
    encoding.scaleResolutionDownBy = limits.scaleDownBy;
    encoding.maxFramerate = limits.maxFramerate;
    encoding.maxBitrate = limits.maxBitrate;
  }
  await sender.setParameters(parameters).catch(() => undefined);
}

/** Prepare a sender for a track of a kind: papers and screens must be sharp, faces must move. */
export async function fit(
  sender: RTCRtpSender, kind: Kind, track: MediaStreamTrack, rung: Rung,
): Promise<void> {
  if (track.kind !== "video") return;
  if (kind !== "camera") track.contentHint = "detail";
  await limit(sender, limitsFor(kind, track, rung));
}
