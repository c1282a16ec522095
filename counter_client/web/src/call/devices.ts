/** Cameras and microphones: opened at their largest, joined with what there is, refused in words. */

/** Why a device is not there; each has its own words for the person before the screen. */
export type DeviceProblem = "none" | "refused" | "in_use" | "insecure" | "unknown";

export interface Opened {
  stream: MediaStream;
  camera: MediaStreamTrack | null;
  microphone: MediaStreamTrack | null;
  problems: { camera: DeviceProblem | null; microphone: DeviceProblem | null };
}

export interface Choice {
  cameraId?: string | undefined;
  microphoneId?: string | undefined;
}

type Media = Pick<MediaDevices, "getUserMedia" | "enumerateDevices" | "getDisplayMedia">;

export const LARGEST = { width: { ideal: 3840 }, height: { ideal: 2160 } } as const;

function media(): Media | null {
  return typeof navigator !== "undefined" && navigator.mediaDevices ? navigator.mediaDevices : null;
}

/** What an exception of getUserMedia means to the person before the screen. */
export function problemOf(error: unknown): DeviceProblem {
  const name = error instanceof Error ? error.name : "";
  switch (name) {
    case "NotFoundError":
    case "OverconstrainedError":
      return "none";
    case "NotAllowedError":
    case "SecurityError":
      return "refused";
    case "NotReadableError":
    case "AbortError":
      return "in_use";
    default:
      return "unknown";
  }
}

const VOICE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

const cameraBy = (id?: string): MediaTrackConstraints => ({ ...LARGEST, ...exact(id) });
const microphoneBy = (id?: string): MediaTrackConstraints => ({ ...VOICE, ...exact(id) });

/**
 * Open camera and microphone; one that is not to be had is left out with its reason. They are asked
 * for together, so that the browser asks the person once, and one by one where that fails.
 */
export async function openDevices(choice: Choice = {}, from: Media | null = media()): Promise<Opened> {
  if (from === null) {
    const problems = { camera: "insecure", microphone: "insecure" } as const;
    return { stream: new MediaStream(), camera: null, microphone: null, problems };
  }
  const wanted = { video: cameraBy(choice.cameraId), audio: microphoneBy(choice.microphoneId) };
  try {
    const stream = await from.getUserMedia(wanted);
    return {
      stream,
      camera: stream.getVideoTracks()[0] ?? null,
      microphone: stream.getAudioTracks()[0] ?? null,
      problems: { camera: null, microphone: null },
    };
  } catch {
    return openEach(wanted, from);
  }
}

async function openEach(
  wanted: { video: MediaTrackConstraints; audio: MediaTrackConstraints },
  from: Media,
): Promise<Opened> {
  const camera = await openOne(from, { video: wanted.video });
  const microphone = await openOne(from, { audio: wanted.audio });
  const stream = new MediaStream();
  for (const { track } of [camera, microphone]) if (track) stream.addTrack(track);
  return {
    stream,
    camera: camera.track,
    microphone: microphone.track,
    problems: { camera: camera.problem, microphone: microphone.problem },
  };
}

/** Open one device of a kind: the one of this id, or any where the id is empty. */
export async function openDevice(
  kind: "camera" | "microphone",
  id: string,
  from: Media | null = media(),
): Promise<MediaStreamTrack | DeviceProblem> {
  if (from === null) return "insecure";
  const wanted = kind === "camera" ? { video: cameraBy(id) } : { audio: microphoneBy(id) };
  const { track, problem } = await openOne(from, wanted);
  return track ?? problem ?? "unknown";
}

/** Share a screen or a window; null when the person thought better of it. */
export async function openScreen(from: Media | null = media()): Promise<MediaStream | null> {
  if (from === null) return null;
  try {
    return await from.getDisplayMedia({ video: { frameRate: 10 }, audio: false });
  } catch {
    return null;
  }
}

export interface DeviceList {
  cameras: MediaDeviceInfo[];
  microphones: MediaDeviceInfo[];
  speakers: MediaDeviceInfo[];
}

export async function listDevices(from: Media | null = media()): Promise<DeviceList> {
  const all = from === null ? [] : await from.enumerateDevices();
  const of = (kind: MediaDeviceKind) => all.filter((one) => one.kind === kind && one.deviceId !== "");
  return { cameras: of("videoinput"), microphones: of("audioinput"), speakers: of("audiooutput") };
}

export function stopStream(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function exact(id: string | undefined): MediaTrackConstraints {
  return id ? { deviceId: { exact: id } } : {};
}

async function openOne(
  from: Media,
  wanted: MediaStreamConstraints,
): Promise<{ track: MediaStreamTrack | null; problem: DeviceProblem | null }> {
  try {
    const stream = await from.getUserMedia(wanted);
    return { track: stream.getTracks()[0] ?? null, problem: null };
  } catch (error) {
    return { track: null, problem: problemOf(error) };
  }
}
