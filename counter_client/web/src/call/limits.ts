/** What a sender may use: a counter's picture is for faces and papers, not for cinema. */
import type { Rung } from "./ladder";
import type { Kind } from "./naming";

export interface SendLimits {
  active: boolean;
  scaleDownBy: number;
  maxFramerate: number;
  maxBitrate: number;
}

/** How much of us is sent: what the line may carry, or the small pictures that a call begins with. */
export type Size = Rung | "opening";

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

/**
 * The first picture is a small one: it is there in half the time, and the whole follows at once. That
 * more may be sent then has Chromium try what the line carries, which a small picture does not show.
 */
const OPENING: Record<Kind, Bounds> = { ...LIMITS, camera: { ...LIMITS.camera, height: 360, maxBitrate: 1_200_000 } };

const BOUNDS: Record<Exclude<Size, "voice">, Record<Kind, Bounds>> = {
  full: LIMITS,
  opening: OPENING,
  reduced: REDUCED,
};

/** The camera is opened at its largest for the still; the sender scales it down. */
export function limitsFor(kind: Kind, track: MediaStreamTrack, size: Size = "full"): SendLimits {
  const { height, maxFramerate, maxBitrate } = BOUNDS[size === "voice" ? "reduced" : size][kind];
  const own = track.getSettings?.().height ?? height;
  const active = size !== "voice";
  return { active, scaleDownBy: Math.max(1, own / height), maxFramerate, maxBitrate };
}

/** What each sender was last told: even to look would take time in which no picture is sent. */
const told = new WeakMap<RTCRtpSender, SendLimits>();

/** Whether a sender is bound as it must be for a track. */
export function isFit(sender: RTCRtpSender, kind: Kind, track: MediaStreamTrack, size: Size): boolean {
  const before = told.get(sender);
  return track.kind !== "video" || (before !== undefined && isSame(before, limitsFor(kind, track, size)));
}

/** Bound what a sender uses; a browser that does not know a limit goes without it. */
export async function limit(sender: RTCRtpSender, limits: SendLimits): Promise<void> {
  told.set(sender, limits);
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) parameters.encodings = [{}];
  const { active, scaleDownBy: scaleResolutionDownBy, maxFramerate, maxBitrate } = limits;
  const wanted = { active, scaleResolutionDownBy, maxFramerate, maxBitrate };
  for (const encoding of parameters.encodings) Object.assign(encoding, wanted);
  await sender.setParameters(parameters).catch(() => told.delete(sender));
}

function isSame(one: SendLimits, other: SendLimits): boolean {
  return Object.entries(one).every(([name, value]) => other[name as keyof SendLimits] === value);
}

/** Say of a track what it shows: papers and screens must be sharp, faces must move. */
export function hint(kind: Kind, track: MediaStreamTrack): void {
  if (track.kind === "video" && kind !== "camera") track.contentHint = "detail";
}

/** Prepare a sender for a track of a kind. */
export async function fit(
  sender: RTCRtpSender, kind: Kind, track: MediaStreamTrack, size: Size,
): Promise<void> {
  if (track.kind !== "video") return;
  hint(kind, track);
  if (isFit(sender, kind, track, size)) return;
  await limit(sender, limitsFor(kind, track, size));
}
