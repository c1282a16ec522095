import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeConnection, fakeStream, FakeStream, fakeTrack, settled } from "./fake";
import { BROKEN_AFTER, CONNECT_WITHIN, Leg, SAY_AGAIN, SAY_AGAIN_AFTER } from "./leg";
import type { Kind } from "./naming";

let fake: FakeConnection;
let said: { leg_id: string; n: number; sdp: string }[];
let local: Map<Kind, MediaStream>;
let leg: Leg;

function open(sends = true): Leg {
  fake = new FakeConnection("c");
  return new Leg({
    id: "leg",
    connection: fake as unknown as RTCPeerConnection,
    offer: async (offer) => void said.push(offer),
    local,
    sends,
    size: "full",
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("MediaStream", FakeStream);
  said = [];
  local = new Map();
  leg = open();
});
afterEach(() => {
  leg.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const answer = (n: number) => leg.answer({ n, sdp: `answer ${n}` });
const directions = () => fake.transceivers.map((section) => section.direction);

/** Answer whatever was offered last. */
async function agree(): Promise<void> {
  await settled();
  await answer(said.at(-1)!.n);
  await settled();
}

it("has its camera's sections and one slot of each kind, and sends nothing", async () => {
  await settled();
  expect(directions()).toEqual(["sendonly", "sendonly", "recvonly", "recvonly"]);
  expect(fake.transceivers.every((section) => section.sender.track === null)).toBe(true);
  expect(said).toHaveLength(1);
  expect(said[0]?.sdp.match(/a=msid:leg:camera /g)).toHaveLength(2);
});

it("has slots only where it is for looking on", async () => {
  local.set("camera", fakeStream("x", fakeTrack("video")));
  leg = open(false);
  await settled();
  expect(directions()).toEqual(["recvonly", "recvonly"]);
});

it("puts tracks in and takes them out without negotiating", async () => {
  await agree();
  const [picture, voice] = [fakeTrack("video"), fakeTrack("audio")];
  local.set("camera", fakeStream("x", picture, voice));
  leg.bring("camera");
  await settled();
  expect(fake.transceivers.map((one) => one.sender.track)).toEqual([voice, picture, null, null]);
  expect(fake.transceivers[1]?.sender.limits.encodings?.[0]?.scaleResolutionDownBy).toBe(3);
  local.delete("camera");
  leg.bring("camera");
  await settled();
  expect(fake.transceivers.every((section) => section.sender.track === null)).toBe(true);
  expect(said).toHaveLength(1);
});

it("gives a camera that it expected to its sender at the very moment, and nothing of it before", async () => {
  await agree();
  const [face, sound] = [fakeTrack("video"), fakeTrack("audio")];
  const stream = fakeStream("x", face, sound);
  leg.expect("camera", stream);
  await settled();
  const [voice, picture] = fake.transceivers.map((one) => one.sender);
  expect([voice?.track, picture?.track]).toEqual([null, null]);
  local.set("camera", stream);
  leg.bring("camera");
  expect([voice?.track, picture?.track]).toEqual([sound, face]);
});

it("sends no picture where the line carries only the voice, be it a later one", async () => {
  await agree();
  const active = () => fake.transceivers[1]?.sender.limits.encodings?.[0]?.active;
  local.set("camera", fakeStream("x", fakeTrack("video")));
  leg.bring("camera");
  leg.ease("voice");
  await settled();
  expect(active()).toBe(false);
  local.set("camera", fakeStream("y", fakeTrack("video")));
  leg.bring("camera");
  await settled();
  expect(active()).toBe(false);
  leg.ease("reduced");
  await settled();
  expect(active()).toBe(true);
  expect(said).toHaveLength(1);
});

it("lets the later of two changes win", async () => {
  await agree();
  const [one, two] = [fakeTrack("video"), fakeTrack("video")];
  local.set("camera", fakeStream("x", one));
  leg.bring("camera");
  local.delete("camera");
  leg.bring("camera");
  local.set("camera", fakeStream("x", two));
  leg.bring("camera");
  await settled();
  expect(fake.transceivers[1]?.sender.track).toBe(two);
});

it("offers a section for a screen, and uses it again when the screen is shared again", async () => {
  await agree();
  for (const direction of ["sendonly", "inactive", "sendonly"]) {
    if (direction === "inactive") local.delete("screen");
    else local.set("screen", fakeStream("x", fakeTrack("video")));
    leg.bring("screen");
    await agree();
    expect(directions().slice(4)).toEqual([direction]);
  }
  expect(said.map((offer) => offer.n)).toEqual([1, 2, 3, 4]);
  expect(said[1]?.sdp).toContain("a=msid:leg:screen ");
  expect(fake.transceivers[4]?.sender.limits.encodings?.[0]?.maxFramerate).toBe(10);
});

it("says of every screen that is shared that it must be sharp, also of a second one as large", async () => {
  await agree();
  const screens = [fakeTrack("video"), fakeTrack("video")];
  for (const screen of screens) {
    local.set("screen", fakeStream("x", screen));
    leg.bring("screen");
    await agree();
  }
  expect(fake.transceivers[4]?.sender.track).toBe(screens[1]);
  expect(screens.map((screen) => screen.contentHint)).toEqual(["detail", "detail"]);
});

it("drops answers to older offers, and the second of two alike", async () => {
  await agree();
  leg.want({ audio: 1, video: 2 });
  await settled();
  await answer(1);
  expect(fake.signalingState).toBe("have-local-offer");
  await Promise.all([answer(2), answer(2)]);
  expect(fake.signalingState).toBe("stable");
  expect(leg.state).toBe("connecting");
});

it("offers again with the same number when no answer comes, and breaks at last", async () => {
  await settled();
  await vi.advanceTimersByTimeAsync(SAY_AGAIN_AFTER);
  expect(said.map((offer) => offer.n)).toEqual([1, 1]);
  fake.become("connected");
  await vi.advanceTimersByTimeAsync(SAY_AGAIN * SAY_AGAIN_AFTER);
  expect(said).toHaveLength(1 + SAY_AGAIN);
  expect(leg.state).toBe("broken");
});

it("holds what is shared while an offer is out until it may offer again", async () => {
  await settled();
  local.set("screen", fakeStream("x", fakeTrack("video")));
  leg.bring("screen");
  await settled();
  expect(said).toHaveLength(1);
  await agree();
  expect(said.map((offer) => offer.n)).toEqual([1, 2]);
});

it("adds slots up to the numbers that are wanted, however often it is told", async () => {
  await agree();
  leg.want({ audio: 2, video: 3 });
  leg.want({ audio: 2, video: 3 });
  leg.want({ audio: 1, video: 1 });
  await agree();
  const slots = fake.transceivers.filter((section) => section.direction === "recvonly");
  expect(slots.map((slot) => slot.receiver.track.kind).sort()).toEqual(["audio", "audio", "video", "video", "video"]);
  expect(said).toHaveLength(2);
});

it("offers again when it is asked to, also with the slots that it has", async () => {
  await agree();
  leg.want({ audio: 1, video: 1 });
  await agree();
  expect(said).toHaveLength(1);
  leg.want({ audio: 1, video: 1, again: true });
  await agree();
  expect(said.map((offer) => offer.n)).toEqual([1, 2]);
});

it("has no more slots than a relay may ask for", async () => {
  leg.want({ audio: 1_000, video: 1_000 });
  expect(fake.transceivers).toHaveLength(2 + 8 + 16);
});

it("shows streams by seat and kind, also when they are told before the answer", async () => {
  await settled();
  const [, , voice, picture] = fake.transceivers.map((section) => section.receiver.track);
  leg.map("call", [
    { mid: "2", seat_id: "far", kind: "camera" },
    { mid: "3", seat_id: "far", kind: "camera" },
  ]);
  expect(leg.streams).toMatchObject([{ seat: "far", kind: "camera" }]);
  expect(leg.streams[0]?.stream.getTracks()).toEqual([voice, picture]);
  expect(leg.callId).toBe("call");
});

it("shows what comes into a slot that is not there yet as soon as it is", async () => {
  await agree();
  leg.map("call", [
    { mid: "3", seat_id: "far", kind: "camera" },
    { mid: "4", seat_id: "far", kind: "screen" },
  ]);
  const face = leg.streams[0]?.stream;
  expect(leg.streams).toHaveLength(1);
  leg.want({ audio: 1, video: 2 });
  await agree();
  expect(leg.streams.map((one) => one.kind)).toEqual(["camera", "screen"]);
  expect(leg.streams[0]?.stream).toBe(face);
});

it("lets go of what does not come any more", async () => {
  await agree();
  leg.map("call", [{ mid: "3", seat_id: "far", kind: "camera" }]);
  leg.map("call", []);
  expect(leg.streams).toEqual([]);
});

it("keeps its last pictures once it is frozen or broken", async () => {
  await agree();
  leg.map("call", [{ mid: "3", seat_id: "far", kind: "camera" }]);
  leg.freeze();
  leg.map("call", []);
  leg.want({ audio: 4, video: 4 });
  leg.break();
  expect(leg.streams).toHaveLength(1);
  expect(fake.transceivers).toHaveLength(4);
  expect(fake.closed).toBe(false);
});

it("bears a line that stutters, and breaks when it does not come back", async () => {
  await agree();
  fake.become("connected");
  fake.become("disconnected");
  await vi.advanceTimersByTimeAsync(BROKEN_AFTER - 1);
  expect(leg.state).toBe("interrupted");
  fake.become("connected");
  await vi.advanceTimersByTimeAsync(BROKEN_AFTER);
  expect(leg.state).toBe("connected");
  fake.become("disconnected");
  await vi.advanceTimersByTimeAsync(BROKEN_AFTER);
  expect(leg.state).toBe("broken");
});

it.each<[string, () => unknown]>([
  ["its connection fails", () => fake.become("failed")],
  ["its offer is refused", () => leg.refuse({ n: 1 })],
  ["it does not come about", () => vi.advanceTimersByTimeAsync(CONNECT_WITHIN)],
  ["an answer makes no sense", () => {
    vi.spyOn(fake, "setRemoteDescription").mockRejectedValue(new Error("no SDP"));
    return answer(1);
  }],
])("breaks when %s", async (_, happens) => {
  await settled();
  await happens();
  await settled();
  expect(leg.state).toBe("broken");
});

it("hears no refusal of an older offer", async () => {
  await agree();
  leg.refuse({ n: 1 });
  expect(leg.state).toBe("connecting");
});
