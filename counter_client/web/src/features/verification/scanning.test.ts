import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CertificateCode } from "./code";
import { hintWords, problemWords } from "./scannerWords";
import { type Reader, useScanner } from "./scanning";

const OURS = "https://kuayu.example/v/1.2.156.3005#token";
const video = {} as HTMLVideoElement;

/** One camera, and what is seen in its pictures. */
class Camera implements Reader {
  seen: string | null = null;
  photograph: string | null = null;
  fails = "";
  gate: Promise<void> | null = null;
  live = 0;
  track: { onended: (() => void) | null; stop: () => void } = {
    onended: null,
    stop: () => void (this.live -= 1),
  };

  look = () => this.seen;
  read = async () => this.photograph;
  getUserMedia = vi.fn(async () => {
    await this.gate;
    if (this.fails) throw Object.assign(new Error("x"), { name: this.fails });
    this.live += 1;
    return { getTracks: () => [this.track], getVideoTracks: () => [this.track] };
  });
}

let camera: Camera;
let found: CertificateCode[];
const scanner = () => useScanner(camera, (code) => found.push(code));

beforeEach(() => {
  vi.useFakeTimers();
  camera = new Camera();
  found = [];
  vi.stubGlobal("navigator", { mediaDevices: camera, userAgent: "Chrome" });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("the camera at the back is asked for, and given back once a code is found", async () => {
  const one = scanner();
  await one.open();
  expect(camera.getUserMedia).toHaveBeenCalledWith({
    video: expect.objectContaining({ facingMode: { ideal: "environment" } }),
  });
  one.watch(video);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(found).toEqual([]);
  camera.seen = OURS;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(found).toEqual([{ number: "1.2.156.3005", token: "token", text: OURS }]);
  expect([camera.live, one.stream.value]).toEqual([0, null]);
});

test("a code that is no certificate's is said so for a while, and looking goes on", async () => {
  const one = scanner();
  await one.open();
  one.watch(video);
  camera.seen = "https://pay.example/123";
  await vi.advanceTimersByTimeAsync(200);
  expect(one.hint.value).toBe("foreign");
  camera.seen = null;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(one.hint.value).toBe("foreign");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(one.hint.value).toBe("");
  camera.seen = OURS;
  await vi.advanceTimersByTimeAsync(200);
  expect(found).toHaveLength(1);
});

test("when nothing is found for some seconds, one is told how to hold the paper", async () => {
  const one = scanner();
  await one.open();
  one.watch(video);
  await vi.advanceTimersByTimeAsync(7_000);
  expect(one.hint.value).toBe("");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(one.hint.value).toBe("nothing");
});

test.each([
  ["NotFoundError", "none", "没有找到摄像头"],
  ["NotAllowedError", "refused", "没有获得使用相机的许可"],
  ["NotReadableError", "in_use", "正被其他程序占用"],
])("%s has its own words, with the album as the way out", async (name, problem, words) => {
  camera.fails = name;
  const one = scanner();
  await one.open();
  expect([one.problem.value, one.isOpening.value]).toEqual([problem, false]);
  expect(problemWords(one.problem.value!)).toContain(words);
  expect(problemWords(one.problem.value!)).toContain("相册");
  camera.fails = "";
  await one.open();
  expect([one.problem.value, camera.live]).toEqual([null, 1]);
});

test("where the browser lets no page use the camera, that is said; inside WeChat how to leave it", async () => {
  vi.stubGlobal("navigator", { userAgent: "Chrome" });
  const one = scanner();
  await one.open();
  expect(problemWords(one.problem.value!)).toContain("不允许网页使用相机");
  vi.stubGlobal("navigator", { userAgent: "MicroMessenger/8.0" });
  expect(problemWords(one.problem.value!)).toContain("在浏览器打开");
});

test("a camera that opens after one has left is given back at once", async () => {
  let open = () => undefined as void;
  camera.gate = new Promise((resolve) => (open = resolve));
  const one = scanner();
  const opening = one.open();
  one.stop();
  open();
  await opening;
  expect([camera.live, one.stream.value]).toEqual([0, null]);
});

test("a camera that is pulled out is said to be gone", async () => {
  const one = scanner();
  await one.open();
  one.watch(video);
  camera.track.onended!();
  expect([one.problem.value, one.stream.value]).toEqual(["none", null]);
});

test("a photograph is read without a camera; one without a code is said so", async () => {
  const one = scanner();
  await one.readPhotograph(new Blob());
  expect(hintWords(one.hint.value, false)).toContain("照片里没有读到二维码");
  camera.photograph = "WIFI:S:hall;;";
  await one.readPhotograph(new Blob());
  expect(hintWords(one.hint.value, false)).toContain("不是本系统证明上的二维码");
  camera.photograph = OURS;
  await one.readPhotograph(new Blob());
  expect(found).toHaveLength(1);
});
