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
  /** Counts closings: what was asked for before one and comes after it stays closed. */
  let closings = 0;
  /** Counts what was chosen: of two choices the later one counts, whichever device opens first. */
  const choices = { camera: 0, microphone: 0 };
  const cameraTrack = computed(() => camera.value?.getVideoTracks()[0] ?? null);
  /** What the others can hear and see of us. */
  const on = computed(() => ({
    microphone: !isMuted.value && problems.value.microphone === null,
    camera: !isCameraOff.value && problems.value.camera === null,
  }));

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
    closings++;
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

  /** Take another camera or microphone in place of the one before, if it is to be had. */
  async function choose(kind: "camera" | "microphone", id: string): Promise<void> {
    const [asked, choice] = [closings, ++choices[kind]];
    const found = await openDevice(kind, id);
    if (asked !== closings || choice !== choices[kind]) {
      if (typeof found !== "string") found.stop();
      return;
    }
    if (typeof found === "string") {
      problems.value = { ...problems.value, [kind]: found };
      return;
    }
    problems.value = { ...problems.value, [kind]: null };
    remember(kind === "camera" ? { cameraId: id } : { microphoneId: id });
    const others = [];
    for (const track of camera.value?.getTracks() ?? []) {
      if (track.kind === found.kind) track.stop();
      else others.push(track);
    }
    found.onended = lost;
    // A stream of its own: whoever shows or sends the one before learns of the change.
    camera.value = new MediaStream([...others, found]);
    apply();
  }

  /** Share a screen; null when the person thought better of it, or took longer than the call. */
  async function shareScreen(ended: () => void): Promise<MediaStream | null> {
    const asked = closings;
    const stream = await openScreen();
    if (asked !== closings) {
      stopStream(stream);
      return null;
    }
    const track = stream?.getVideoTracks()[0];
    if (track) track.onended = ended;
    screen.value = stream;
    return stream;
  }

  /** Open a second camera that looks at paper; null where it opens after the call. */
  async function openDocument(id: string): Promise<MediaStream | DeviceProblem | null> {
    const asked = closings;
    const found = await openDevice("camera", id);
    if (asked !== closings) {
      if (typeof found !== "string") found.stop();
      return null;
    }
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

  /** The camera that looks at paper: the chosen one, or any that does not show our face. */
  async function findDocument(): Promise<string | null> {
    await look();
    const inUse = cameraTrack.value?.getSettings().deviceId;
    const others = devices.value.cameras.filter((one) => one.deviceId !== inUse);
    const remembered = others.find((one) => one.deviceId === chosen.value.documentId);
    return (remembered ?? others[0])?.deviceId ?? null;
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
    cameraTrack, on, open, reopen, close, mute, hideCamera, choose, shareScreen, openDocument, stop,
    chooseDocument, chooseSpeaker, findDocument,
  };
});

function remembered(): Chosen {
  try {
    return JSON.parse(localStorage.getItem(CHOICE) ?? "{}") as Chosen;
  } catch {
    return {};
  }
}
