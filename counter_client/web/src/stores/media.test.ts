import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, test, vi } from "vitest";
import { listDevices, openDevice, openScreen } from "@/call/devices";
import { useMedia } from "./media";

vi.mock("@/call/devices", async (original) => ({
  ...(await original<typeof import("@/call/devices")>()),
  listDevices: vi.fn(), openDevice: vi.fn(), openScreen: vi.fn(),
}));

class Stream {
  constructor(private readonly tracks: MediaStreamTrack[]) {}
  getTracks = () => this.tracks;
  getAudioTracks = () => this.tracks.filter((one) => one.kind === "audio");
  getVideoTracks = () => this.tracks.filter((one) => one.kind === "video");
}

const trackOf = (name: string) => ({ id: name, kind: "video", enabled: true, stop: vi.fn() }) as never;

/** Something that opens when the test says so. */
function later<T>() {
  let opens: (found: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => (opens = resolve));
  return { promise, opens };
}

beforeEach(() => {
  localStorage.clear();
  setActivePinia(createPinia());
  vi.stubGlobal("MediaStream", Stream);
  vi.mocked(listDevices).mockResolvedValue({ cameras: [], microphones: [], speakers: [] });
});

test("a camera that opens after the call it was chosen in stays closed", async () => {
  const [media, waiting, track] = [useMedia(), later<MediaStreamTrack>(), trackOf("a") as MediaStreamTrack];
  vi.mocked(openDevice).mockReturnValueOnce(waiting.promise);
  const chosen = media.choose("camera", "a");
  media.close();
  waiting.opens(track);
  await chosen;
  expect(media.camera).toBeNull();
  expect(track.stop).toHaveBeenCalledOnce();
});

test("of two cameras the one that was chosen later is taken, also where it opens first", async () => {
  const [media, slow, first, second] = [
    useMedia(), later<MediaStreamTrack>(), trackOf("a") as MediaStreamTrack, trackOf("b") as MediaStreamTrack,
  ];
  vi.mocked(openDevice).mockReturnValueOnce(slow.promise).mockResolvedValueOnce(second);
  const early = media.choose("camera", "a");
  await media.choose("camera", "b");
  slow.opens(first);
  await early;
  expect(media.camera!.getTracks()).toEqual([second]);
  expect(media.chosen.cameraId).toBe("b");
  expect(first.stop).toHaveBeenCalledOnce();
  expect(second.stop).not.toHaveBeenCalled();
});

test("a screen that is picked after the call has ended is not looked at", async () => {
  const [media, waiting, track] = [useMedia(), later<MediaStream>(), trackOf("s") as MediaStreamTrack];
  vi.mocked(openScreen).mockReturnValueOnce(waiting.promise);
  const shared = media.shareScreen(() => undefined);
  media.close();
  waiting.opens(new MediaStream([track]));
  expect(await shared).toBeNull();
  expect(media.screen).toBeNull();
  expect(track.stop).toHaveBeenCalledOnce();
});

test("a document camera that opens after the call stays closed, and no problem is told of", async () => {
  const [media, waiting, track] = [useMedia(), later<MediaStreamTrack>(), trackOf("d") as MediaStreamTrack];
  vi.mocked(openDevice).mockReturnValueOnce(waiting.promise);
  const opened = media.openDocument("d");
  media.close();
  waiting.opens(track);
  expect(await opened).toBeNull();
  expect(media.document).toBeNull();
  expect(track.stop).toHaveBeenCalledOnce();
});
