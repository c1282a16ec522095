import { describe, expect, it } from "vitest";
import { openDevices, problemOf } from "./devices";
import { nameStreams, readName } from "./naming";
import { compare, count, levelOf } from "./quality";

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

  it("knows no loss where nothing came", () => {
    expect(compare(count([], 0), count([], 2_000)).loss).toBe(0);
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
