/** Reads a certificate's QR code with the camera, picture by picture, or from one photograph. */
import { ref, shallowRef } from "vue";
import { type DeviceProblem, problemOf } from "@/call/devices";
import { codeOf, type CertificateCode } from "./code";

/** What finds a QR code: its text, or null where there is none in the picture. */
export interface Reader {
  /** In what the video shows now; null as well before it shows anything. */
  look(video: HTMLVideoElement): string | null;
  /** In a photograph; takes more pains. */
  read(photograph: Blob): Promise<string | null>;
}

/** Something was seen that is no certificate's code, or nothing for a while. */
export type Hint = "" | "foreign" | "nothing" | "unreadable";

const BETWEEN = 120;
/** A foreign code may lie beside the paper: what is said of it stays to be read. */
const STAYS = 3_000;
const NOTHING_AFTER = 8_000;
// The code is dense: 73 modules a side, with the address and a signature.
const WANTED: MediaTrackConstraints = {
  facingMode: { ideal: "environment" },
  width: { ideal: 1920 },
  height: { ideal: 1080 },
};

/**
 * Look for codes until one is found, which `found` hears once, with the camera closed again. `stop`
 * gives the camera back, also one that opens only after it.
 */
export function useScanner(reader: Reader, found: (code: CertificateCode) => void) {
  const stream = shallowRef<MediaStream | null>(null);
  const problem = ref<DeviceProblem | null>(null);
  const isOpening = ref(false);
  const isReading = ref(false);
  const hint = ref<Hint>("");
  /** Counts openings and the closing: what comes from an earlier one comes too late. */
  let turn = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let since = 0;
  let foreignAt = 0;

  async function open(): Promise<void> {
    stop();
    const mine = turn;
    hint.value = "";
    problem.value = null;
    isOpening.value = true;
    const opened = await openCamera();
    if (mine !== turn) {
      if (typeof opened !== "string") end(opened);
      return;
    }
    isOpening.value = false;
    if (typeof opened === "string") {
      problem.value = opened;
      return;
    }
    for (const track of opened.getVideoTracks()) track.onended = pulledOut;
    stream.value = opened;
  }

  function pulledOut(): void {
    stop();
    problem.value = "none";
  }

  /** Look at what this element shows of the stream, until a code is found or `stop`. */
  function watch(video: HTMLVideoElement): void {
    const mine = turn;
    since = Date.now();
    foreignAt = 0;
    const look = () => {
      if (mine !== turn) return;
      const code = take(reader.look(video));
      if (code) finish(code);
      else timer = setTimeout(look, BETWEEN);
    };
    look();
  }

  function take(text: string | null): CertificateCode | null {
    const now = Date.now();
    const code = text === null ? null : codeOf(text);
    if (text !== null && code === null) foreignAt = since = now;
    if (foreignAt && now - foreignAt < STAYS) hint.value = "foreign";
    else hint.value = now - since >= NOTHING_AFTER ? "nothing" : "";
    return code;
  }

  /** Read one photograph; the camera is closed whatever it shows. */
  async function readPhotograph(photograph: Blob): Promise<void> {
    isReading.value = true;
    try {
      const text = await reader.read(photograph).catch(() => null);
      const code = text === null ? null : codeOf(text);
      if (code) finish(code);
      else {
        // The camera's own hints would take its place at once.
        stop();
        hint.value = text === null ? "unreadable" : "foreign";
      }
    } finally {
      isReading.value = false;
    }
  }

  function finish(code: CertificateCode): void {
    stop();
    found(code);
  }

  function stop(): void {
    turn++;
    clearTimeout(timer);
    isOpening.value = false;
    hint.value = "";
    if (stream.value) end(stream.value);
    stream.value = null;
  }

  return { stream, problem, isOpening, isReading, hint, open, watch, readPhotograph, stop };
}

async function openCamera(): Promise<MediaStream | DeviceProblem> {
  if (!navigator.mediaDevices) return "insecure";
  try {
    return await navigator.mediaDevices.getUserMedia({ video: WANTED });
  } catch (error) {
    return problemOf(error);
  }
}

function end(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
