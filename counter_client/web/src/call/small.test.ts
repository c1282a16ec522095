import { afterEach, describe, expect, it, vi } from "vitest";
import { openDevices, problemOf } from "./devices";
import { nameStreams, readName } from "./naming";
import { compare, count, levelOf } from "./quality";
import { takeStill } from "./still";

describe("names of streams", () => {
  it("take the place of the browser's ids in msid lines only", () => {
    const sdp = "v=0\r\na=msid:abc t1\r\na=ssrc:7 msid:abc t1\r\na=mid:abc\r\na=msid:other t2\r\n";
    const named = nameStreams(sdp, new Map([["abc", "s1:camera"]]));
    expect(named).toBe("v=0\r\na=msid:s1:camera t1\r\na=ssrc:7 msid:s1:camera t1\r\na=mid:abc\r\na=msid:other t2\r\n");
  });

  it("say seat and kind, or nothing", () => {
    expect(readName("s1:screen")).toEqual({ seat: "s1", kind: "screen" });
    expect(readName("s1:window")).toBeNull();
    expect(readName("{1f}")).toBeNull();
  });
});

describe("quality", () => {
  it.each([[0, "good"], [0.099, "good"], [0.1, "poor"], [0.149, "poor"], [0.15, "bad"], [1, "bad"]] as const)(
    "of loss %s is %s",
    (loss, level) => expect(levelOf(loss)).toBe(level),
  );

  it("is what happened between two looks", () => {
    const look = (packetsReceived: number, packetsLost: number, framesDecoded: number) => [
      { type: "inbound-rtp", kind: "video", packetsReceived, packetsLost, framesDecoded, frameWidth: 640, frameHeight: 480 },
      { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.042 },
    ];
    const quality = compare(count(look(100, 50, 10), 0), count(look(188, 62, 70), 2_000));
    expect(quality).toMatchObject({ level: "poor", roundTrip: 42, framesPerSecond: 30, width: 640, height: 480 });
    expect(quality.loss).toBeCloseTo(0.12);
  });

  it("knows no loss where nothing ever came", () => {
    expect(compare(count([], 0), count([], 2_000)).loss).toBe(0);
  });

  it("is bad where media has stopped coming", () => {
    const look = [{ type: "inbound-rtp", kind: "audio", packetsReceived: 100, packetsLost: 0 }];
    expect(compare(count(look, 0), count(look, 2_000))).toMatchObject({ level: "bad", loss: 1 });
  });

  it("reads the round trip of the pair in use", () => {
    const report = [
      { type: "candidate-pair", id: "old", nominated: true, currentRoundTripTime: 0.9 },
      { type: "candidate-pair", id: "new", nominated: true, currentRoundTripTime: 0.02 },
      { type: "transport", selectedCandidatePairId: "new" },
    ];
    expect(count(report, 0).roundTrip).toBe(20);
  });

  it("is no better than what the other end hears of us", () => {
    const look = (fractionLost: number, timestamp: number) => [
      { type: "inbound-rtp", kind: "audio", packetsReceived: timestamp, packetsLost: 0, timestamp },
      { type: "remote-inbound-rtp", kind: "video", fractionLost, timestamp: timestamp - 900 },
      { type: "remote-inbound-rtp", kind: "audio", fractionLost: 0.02, timestamp: timestamp - 4_000 },
    ];
    const quality = compare(count(look(0.5, 10_000), 0), count(look(0.12, 12_000), 2_000));
    expect(quality).toMatchObject({ level: "poor", loss: 0, sentLoss: 0.12, sentLevel: "poor" });
  });

  it("forgets a report that is old", () => {
    const look = [
      { type: "inbound-rtp", kind: "audio", packetsReceived: 1, packetsLost: 0, timestamp: 60_000 },
      { type: "remote-inbound-rtp", kind: "video", fractionLost: 0.9, timestamp: 50_000 },
    ];
    expect(compare(count([], 0), count(look, 2_000))).toMatchObject({ sentLoss: null, sentLevel: null });
  });

  it("counts no loss backwards when a stream was taken away", () => {
    const before = [{ type: "inbound-rtp", kind: "video", packetsReceived: 900, packetsLost: 90 }];
    const now = [{ type: "inbound-rtp", kind: "audio", packetsReceived: 10, packetsLost: 0 }];
    expect(compare(count(before, 0), count(now, 2_000))).toMatchObject({ framesPerSecond: 0 });
  });
});

describe("devices", () => {
  it.each([
    ["NotFoundError", "none"], ["NotAllowedError", "refused"], ["NotReadableError", "in_use"], ["TypeError", "unknown"],
  ])("that fail with %s are %s", (name, problem) => {
    expect(problemOf(Object.assign(new Error("x"), { name }))).toBe(problem);
  });

  it("are not to be had on an insecure page", async () => {
    globalThis.MediaStream ??= class {} as unknown as typeof MediaStream;
    const opened = await openDevices({}, null);
    expect(opened.problems).toEqual({ camera: "insecure", microphone: "insecure" });
  });

  it("are asked for together, so that the person is asked once", async () => {
    const asked: MediaStreamConstraints[] = [];
    const [camera, microphone] = [{ kind: "video" }, { kind: "audio" }];
    const opened = await openDevices({ cameraId: "c1" }, {
      getUserMedia: async (wanted: MediaStreamConstraints) => {
        asked.push(wanted);
        return { getVideoTracks: () => [camera], getAudioTracks: () => [microphone] };
      },
    } as unknown as MediaDevices);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.video).toMatchObject({ width: { ideal: 3840 }, deviceId: { exact: "c1" } });
    expect([opened.camera, opened.microphone]).toEqual([camera, microphone]);
  });

  it("are joined with what there is", async () => {
    const microphone = { kind: "audio" } as MediaStreamTrack;
    const tracks: MediaStreamTrack[] = [];
    globalThis.MediaStream = class {
      addTrack = (track: MediaStreamTrack) => tracks.push(track);
    } as unknown as typeof MediaStream;
    const opened = await openDevices({}, {
      getUserMedia: async (wanted?: MediaStreamConstraints) => {
        if (wanted?.video) throw Object.assign(new Error("x"), { name: "NotFoundError" });
        return { getTracks: () => [microphone] } as unknown as MediaStream;
      },
    } as unknown as MediaDevices);
    expect(opened.camera).toBeNull();
    expect(opened.problems).toEqual({ camera: "none", microphone: null });
    expect(tracks).toEqual([microphone]);
  });
});

describe("a still", () => {
  const track = {} as MediaStreamTrack;
  const bitmap = { width: 3840, height: 2160, close: () => undefined };
  const withCapture = (capture: object) => {
    vi.stubGlobal("ImageCapture", class { constructor() { Object.assign(this, capture); } });
    vi.stubGlobal("createImageBitmap", async () => bitmap);
  };
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it("is the camera's own photo, untouched", async () => {
    const photo = new Blob(["x"], { type: "image/jpeg" });
    withCapture({ takePhoto: async () => photo });
    expect(await takeStill(track)).toEqual({ blob: photo, width: 3840, height: 2160 });
  });

  it.each([
    ["refuses", async () => Promise.reject(new Error("UnknownError"))],
    ["never answers", () => new Promise<Blob>(() => undefined)],
  ])("is a whole frame where the camera %s", async (_, takePhoto) => {
    vi.useFakeTimers();
    const drawn = new Blob(["y"], { type: "image/jpeg" });
    withCapture({ takePhoto, grabFrame: async () => bitmap });
    vi.spyOn(document, "createElement").mockReturnValue({
      getContext: () => ({ drawImage: () => undefined }),
      toBlob: (done: (blob: Blob) => void) => done(drawn),
    } as unknown as HTMLElement);
    const taking = takeStill(track);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await taking).toEqual({ blob: drawn, width: 3840, height: 2160 });
  });
});
