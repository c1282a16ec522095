import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { usePaperCamera } from "./paper-camera";

interface FakeTrack {
  id: string;
  isLive: boolean;
  onended: (() => void) | null;
}

/** The cameras of one machine, and which of their tracks are open. */
class Machine {
  cameras = ["face", "paper"];
  isAllowed = true;
  fails: Record<string, string> = {};
  tracks: FakeTrack[] = [];
  asked: MediaTrackConstraints[] = [];
  /** When set, an opening waits for it. */
  gate: Promise<void> | null = null;

  get live(): string[] {
    return this.tracks.filter((one) => one.isLive).map((one) => one.id);
  }

  enumerateDevices = async () =>
    this.cameras.map((id) => ({ kind: "videoinput", deviceId: this.isAllowed ? id : "", label: id }));

  getUserMedia = async ({ video }: { video: MediaTrackConstraints & { deviceId?: { exact: string } } }) => {
    this.asked.push(video);
    await this.gate;
    const id = video.deviceId?.exact ?? this.cameras[0];
    const failure = id === undefined ? "NotFoundError" : this.fails[id];
    if (id === undefined || failure) throw Object.assign(new Error("x"), { name: failure });
    this.isAllowed = true;
    const track: FakeTrack & Partial<MediaStreamTrack> = {
      id, isLive: true, onended: null,
      getSettings: () => ({ deviceId: id }),
      stop: () => void (track.isLive = false),
    };
    this.tracks.push(track);
    return { getTracks: () => [track] };
  };
}

const PHOTO = new Blob(["x"], { type: "image/jpeg" });
let machine: Machine;
let photo: () => Promise<Blob>;
let addresses: Set<string>;

const paperCamera = (paper = "", face = "face") =>
  usePaperCamera({ paper: () => paper, face: () => face });

beforeEach(() => {
  machine = new Machine();
  photo = async () => PHOTO;
  addresses = new Set();
  Object.defineProperty(navigator, "mediaDevices", { value: machine, configurable: true });
  vi.stubGlobal("MediaStream", class {
    constructor(private readonly tracks: MediaStreamTrack[]) {}
    getTracks = () => this.tracks;
    getVideoTracks = () => this.tracks;
  });
  vi.stubGlobal("ImageCapture", class {
    takePhoto = () => photo();
  });
  vi.stubGlobal("createImageBitmap", async () => ({ width: 3840, height: 2160, close: () => undefined }));
  vi.spyOn(URL, "createObjectURL").mockImplementation(() => {
    const address = `blob:${addresses.size}`;
    addresses.add(address);
    return address;
  });
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((address) => void addresses.delete(address));
});
afterEach(() => {
  vi.unstubAllGlobals();
  Reflect.deleteProperty(navigator, "mediaDevices");
});

test("the camera that is not for faces is opened at its largest", async () => {
  const camera = paperCamera();
  await camera.open();
  expect(machine.live).toEqual(["paper"]);
  expect(machine.asked[0]).toMatchObject({ width: { ideal: 3840 }, height: { ideal: 2160 } });
  expect(camera.cameraId.value).toBe("paper");
});

test("the camera of last time comes first, if it is still there", async () => {
  machine.cameras = ["face", "paper", "scanner"];
  const camera = paperCamera("scanner");
  await camera.open();
  expect(machine.live).toEqual(["scanner"]);
  machine.cameras = ["face", "paper"];
  await camera.open();
  expect(machine.live).toEqual(["paper"]);
});

test("where cameras have no names before the permission, the right one is taken after it", async () => {
  machine.isAllowed = false;
  await paperCamera().open();
  expect(machine.live).toEqual(["paper"]);
});

test("the only camera does, though it is for faces", async () => {
  machine.cameras = ["face"];
  await paperCamera().open();
  expect(machine.live).toEqual(["face"]);
});

test("another camera takes the place of the one before", async () => {
  const camera = paperCamera();
  await camera.open();
  expect(await camera.choose("face")).toBe(true);
  expect(machine.live).toEqual(["face"]);
});

test.each([
  ["NotAllowedError", "refused"], ["NotReadableError", "in_use"], ["OverconstrainedError", "none"],
])("a camera that fails with %s is told as %s, and may be tried again", async (name, problem) => {
  machine.fails = { paper: name };
  const camera = paperCamera();
  await camera.open();
  expect([camera.problem.value, camera.stream.value, camera.isOpening.value]).toEqual([problem, null, false]);
  machine.fails = {};
  await camera.open();
  expect([camera.problem.value, machine.live]).toEqual([null, ["paper"]]);
});

test("a machine without a camera says so", async () => {
  machine.cameras = [];
  const camera = paperCamera();
  await camera.open();
  expect(camera.problem.value).toBe("none");
});

test("a still has the photo's own bytes and size; another one takes its place", async () => {
  const camera = paperCamera();
  await camera.open();
  await camera.take();
  expect(camera.shot.value).toMatchObject({ blob: PHOTO, width: 3840, height: 2160 });
  expect(machine.live).toEqual(["paper"]);
  camera.retake();
  expect([camera.shot.value, addresses.size]).toEqual([null, 0]);
});

test("a picture that could not be taken is told, and the camera stays open", async () => {
  photo = async () => Promise.reject(new Error("x"));
  vi.spyOn(document, "createElement").mockReturnValue({ play: async () => Promise.reject(new Error("y")) } as never);
  const camera = paperCamera();
  await camera.open();
  await camera.take();
  expect([camera.isMissed.value, camera.shot.value, machine.live]).toEqual([true, null, ["paper"]]);
});

test("a camera that is pulled out is told, and the still stays", async () => {
  const camera = paperCamera();
  await camera.open();
  await camera.take();
  machine.tracks[0]!.onended?.();
  expect([camera.problem.value, camera.stream.value]).toEqual(["none", null]);
  expect(camera.shot.value).not.toBeNull();
});

test("closing gives camera and picture back", async () => {
  const camera = paperCamera();
  await camera.open();
  await camera.take();
  camera.close();
  expect([machine.live, camera.shot.value, addresses.size]).toEqual([[], null, 0]);
});

test("a camera that opens after the closing is closed at once", async () => {
  let open = (): void => undefined;
  machine.gate = new Promise((resolve) => (open = resolve));
  const camera = paperCamera();
  const opening = camera.open();
  await vi.waitFor(() => expect(machine.asked).toHaveLength(1));
  camera.close();
  open();
  await opening;
  expect(machine.tracks).toHaveLength(1);
  expect([machine.live, camera.stream.value]).toEqual([[], null]);
});
