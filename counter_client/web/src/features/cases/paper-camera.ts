/** The camera that looks at paper before there is a call: live view, a still, another one. */
import { computed, ref, shallowRef } from "vue";
import { type DeviceProblem, listDevices, openDevice, stopStream } from "@/call/devices";
import { type StillPicture, takeStill } from "@/call/still";

const ANY = "";

/** A still that nobody has filed yet, with an address to look at it. */
export interface Shot extends StillPicture {
  url: string;
}

/** Which camera to begin with: the one of last time, else one that is not for faces. */
export interface Preference {
  paper: () => string;
  face: () => string;
}

/**
 * Open one camera at its largest for stills of paper. Nothing of it is sent anywhere; `close` gives
 * the camera back, also one that opens only after it.
 */
export function usePaperCamera(prefer: Preference) {
  const stream = shallowRef<MediaStream | null>(null);
  const cameras = shallowRef<MediaDeviceInfo[]>([]);
  const problem = ref<DeviceProblem | null>(null);
  const isOpening = ref(false);
  const isTaking = ref(false);
  /** The last try gave no picture, though the camera is there. */
  const isMissed = ref(false);
  const shot = shallowRef<Shot | null>(null);
  /** Counts openings and the closing: what comes from an earlier one comes too late. */
  let turn = 0;

  const track = computed(() => stream.value?.getVideoTracks()[0] ?? null);
  const cameraId = computed(() => track.value?.getSettings().deviceId ?? "");

  /** Open the camera that is most likely meant. */
  async function open(): Promise<void> {
    const mine = turn;
    await look();
    if (mine !== turn) return;
    // Without the permission cameras have no names, and the right one cannot be told yet.
    const areNamed = cameras.value.length > 0;
    const done = await choose(meant());
    if (done && !areNamed && ![ANY, cameraId.value].includes(meant())) await choose(meant());
  }

  function meant(): string {
    const ids = cameras.value.map((one) => one.deviceId);
    if (ids.includes(prefer.paper())) return prefer.paper();
    return ids.find((id) => id !== prefer.face()) ?? ANY;
  }

  /** Open this camera in place of the one before; say whether it is open now. */
  async function choose(id: string): Promise<boolean> {
    const mine = ++turn;
    isOpening.value = true;
    problem.value = null;
    isMissed.value = false;
    letGo();
    const found = await openDevice("camera", id);
    if (mine !== turn) {
      if (typeof found !== "string") found.stop();
      return false;
    }
    if (typeof found === "string") problem.value = found;
    else show(found);
    await look();
    if (mine !== turn) return false;
    isOpening.value = false;
    return stream.value !== null;
  }

  function show(found: MediaStreamTrack): void {
    // Pulled out in the middle of it: the picture that was taken stays.
    found.onended = () => {
      stream.value = null;
      problem.value = "none";
    };
    stream.value = new MediaStream([found]);
  }

  async function look(): Promise<void> {
    cameras.value = (await listDevices()).cameras;
  }

  /** Take a still at the camera's full resolution. */
  async function take(): Promise<void> {
    const from = track.value;
    if (from === null || isTaking.value) return;
    const mine = turn;
    isTaking.value = true;
    isMissed.value = false;
    try {
      const picture = await takeStill(from);
      if (mine !== turn) return;
      retake();
      shot.value = { ...picture, url: URL.createObjectURL(picture.blob) };
    } catch {
      isMissed.value = mine === turn;
    } finally {
      isTaking.value = false;
    }
  }

  /** Drop the still; the live view goes on. */
  function retake(): void {
    if (shot.value !== null) URL.revokeObjectURL(shot.value.url);
    shot.value = null;
  }

  function letGo(): void {
    if (track.value !== null) track.value.onended = null;
    stopStream(stream.value);
    stream.value = null;
  }

  function close(): void {
    turn++;
    isOpening.value = false;
    letGo();
    retake();
  }

  return {
    stream, cameras, cameraId, problem, isOpening, isTaking, isMissed, shot,
    open, choose, take, retake, close,
  };
}
