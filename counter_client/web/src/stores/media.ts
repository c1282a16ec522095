/** My own camera, microphone and screen, and what is wrong with them. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import {
  type DeviceList, type DeviceProblem, listDevices, openDevice, openDevices, openScreen, stopStream,
} from "@/call/devices";

const CHOICE = "kuayu.devices";

interface Chosen {
  cameraId?: string;
  microphoneId?: string;
  documentId?: string;
  speakerId?: string;
}

export const useMedia = defineStore("media", () => {
  const camera = shallowRef<MediaStream | null>(null);
  const screen = shallowRef<MediaStream | null>(null);
  const document_ = shallowRef<MediaStream | null>(null);
  const devices = ref<DeviceList>({ cameras: [], microphones: [], speakers: [] });
  const problems = ref<{ camera: DeviceProblem | null; microphone: DeviceProblem | null }>({
    camera: null,
    microphone: null,
  });
  const isMuted = ref(false);
  const isCameraOff = ref(false);
  const isOpening = ref(false);
  const chosen = ref<Chosen>(remembered());
  let opening: Promise<void> | null = null;
  /** Counts openings and closings: a camera that comes after its closing comes too late. */
  let turn = 0;
  const cameraTrack = computed(() => camera.value?.getVideoTracks()[0] ?? null);

  /** Open camera and microphone unless they are open; nothing is sent by it. */
  async function open(): Promise<void> {
    if (camera.value !== null) return;
    if (opening === null) {
      const work = reallyOpen().finally(() => {
        if (opening === work) letGo();
      });
      opening = work;
      isOpening.value = true;
    }
    await opening;
  }

  function letGo(): void {
    opening = null;
    isOpening.value = false;
  }

  async function reallyOpen(): Promise<void> {
    const mine = ++turn;
    const { cameraId, microphoneId } = chosen.value;
    let opened = await openDevices({ cameraId, microphoneId });
    const isGone = opened.problems.camera === "none" || opened.problems.microphone === "none";
    if (isGone && (cameraId || microphoneId)) {
      // The device of last time is not plugged in any more: any other one will do.
      stopStream(opened.stream);
      opened = await openDevices();
    }
    if (mine !== turn) {
      // Nobody needs it any more: no light shall stay on.
      stopStream(opened.stream);
      return;
    }
    problems.value = opened.problems;
    camera.value = opened.stream;
    for (const track of opened.stream.getTracks()) track.onended = lost;
    apply();
    devices.value = await listDevices();
  }

  /** A device was pulled out: say so, and let the next opening look again. */
  function lost(this: MediaStreamTrack): void {
    const which = this.kind === "video" ? "camera" : "microphone";
    problems.value = { ...problems.value, [which]: "none" };
  }

  /** Close and open again, after a device was plugged in or a permission was given. */
  async function reopen(): Promise<void> {
    stopStream(camera.value);
    camera.value = null;
    await open();
  }

  function close(): void {
    turn++;
    letGo();
    for (const stream of [camera, screen, document_]) {
      stopStream(stream.value);
      stream.value = null;
    }
    isMuted.value = false;
    isCameraOff.value = false;
  }

  function mute(on: boolean): void {
    isMuted.value = on;
    apply();
  }

  function hideCamera(on: boolean): void {
    isCameraOff.value = on;
    apply();
  }

  function apply(): void {
    for (const track of camera.value?.getAudioTracks() ?? []) track.enabled = !isMuted.value;
    for (const track of camera.value?.getVideoTracks() ?? []) track.enabled = !isCameraOff.value;
  }

  /** Take another camera or microphone; returns the track before and the one now. */
  async function choose(
    kind: "camera" | "microphone",
    id: string,
  ): Promise<{ before: MediaStreamTrack | null; track: MediaStreamTrack } | null> {
    const found = await openDevice(kind, id);
    if (typeof found === "string") {
      problems.value = { ...problems.value, [kind]: found };
      return null;
    }
    problems.value = { ...problems.value, [kind]: null };
    remember(kind === "camera" ? { cameraId: id } : { microphoneId: id });
    const stream = camera.value ?? new MediaStream();
    const before = stream.getTracks().find((track) => track.kind === found.kind) ?? null;
    if (before !== null) stream.removeTrack(before);
    before?.stop();
    stream.addTrack(found);
    found.onended = lost;
    camera.value = stream;
    apply();
    return { before, track: found };
  }

  async function shareScreen(ended: () => void): Promise<MediaStream | null> {
    const stream = await openScreen();
    const track = stream?.getVideoTracks()[0];
    if (track) track.onended = ended;
    screen.value = stream;
    return stream;
  }

  /** Open a second camera that looks at paper. */
  async function openDocument(id: string): Promise<MediaStream | DeviceProblem> {
    const found = await openDevice("camera", id);
    if (typeof found === "string") return found;
    chooseDocument(id);
    stopStream(document_.value);
    document_.value = new MediaStream([found]);
    return document_.value;
  }

  function stop(kind: "screen" | "document"): void {
    const stream = kind === "screen" ? screen : document_;
    stopStream(stream.value);
    stream.value = null;
  }

  /** Begin with this camera the next time that paper is looked at. */
  function chooseDocument(id: string): void {
    remember({ documentId: id });
  }

  function chooseSpeaker(id: string): void {
    remember({ speakerId: id });
  }

  function remember(more: Chosen): void {
    chosen.value = { ...chosen.value, ...more };
    localStorage.setItem(CHOICE, JSON.stringify(chosen.value));
  }

  async function look(): Promise<void> {
    devices.value = await listDevices();
  }

  return {
    camera, screen, document: document_, devices, problems, isMuted, isCameraOff, isOpening, chosen,
    cameraTrack, open, reopen, close, mute, hideCamera, choose, shareScreen, openDocument, stop,
    chooseDocument, chooseSpeaker, look,
  };
});

function remembered(): Chosen {
  try {
    return JSON.parse(localStorage.getItem(CHOICE) ?? "{}") as Chosen;
  } catch {
    return {};
  }
}
