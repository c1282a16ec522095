import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Call } from "@/api/shapes";
import type { Line } from "@/api/socket";
import { CallSession } from "@/call/call";
import { FakeConnection, settled } from "@/call/fake";
import { useCall } from "./call";
import { useLine } from "./line";
import { useMedia } from "./media";

const CALL = {
  id: "call", case_id: "case", state: "connecting", my_seat: "me", ice_servers: [],
  seats: ["me", "far"].map((id, order) => ({
    id, order, side: order === 0 ? "local" : "remote", name: "", office: "", connected: true,
    media_up: false, since: "2026-11-22T04:00:00Z",
  })),
  ends: [{ seat_id: "far", polite: false }],
};

interface Track {
  kind: string;
  isLive: boolean;
}

/** A promise that the test keeps when it wants to. */
function gate<T>(): { wait: Promise<T>; open: (value: T) => void } {
  let open: (value: T) => void = () => undefined;
  const wait = new Promise<T>((resolve) => (open = resolve));
  return { wait, open };
}

let connections: FakeConnection[];
let tracks: Track[];
/** What getUserMedia and the taking of the seat wait for. */
let devices: Promise<unknown>;
let seat: Promise<unknown>;
let heard: Record<string, (news: object) => void>;

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  connections = [];
  tracks = [];
  heard = {};
  devices = seat = Promise.resolve();
  vi.stubGlobal("RTCPeerConnection", class extends FakeConnection {
    constructor() {
      super(`c${connections.length}`);
      connections.push(this);
    }
    getStats = async () => [];
  });
  vi.stubGlobal("MediaStream", class {});
  const getUserMedia = async () => {
    await devices;
    const opened = ["audio", "video"].map((kind) => {
      const track = { kind, isLive: true, stop: () => void (track.isLive = false), getSettings: () => ({}) };
      tracks.push(track);
      return track;
    });
    const of = (kind: string) => () => opened.filter((track) => track.kind === kind);
    return { id: `s${tracks.length}`, getTracks: () => opened, getAudioTracks: of("audio"), getVideoTracks: of("video") };
  };
  Object.defineProperty(navigator, "mediaDevices", {
    value: { getUserMedia, enumerateDevices: async () => [] }, configurable: true,
  });
  const line = {
    isUp: true,
    on: (event: string, tell: (news: object) => void) => {
      heard[event] = tell;
      return () => undefined;
    }, onState: () => () => undefined, open: () => undefined,
    close: () => undefined, send: async () => seat.then(() => CALL),
  };
  useLine().open(() => undefined, line as unknown as Line);
});
afterEach(() => {
  useCall().leave();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  Reflect.deleteProperty(navigator, "mediaDevices");
});

const sent = () => connections[0]?.senders.map((sender) => sender.track?.kind);

test("who only looks on opens no camera and says nothing of one", async () => {
  const seats = CALL.seats.map((one) => (one.id === "me" ? { ...one, side: "observer" } : one));
  const looked = { ...CALL, seats } as unknown as Call;
  const said: string[] = [];
  const line = useLine();
  vi.spyOn(line.line!, "send").mockImplementation((async (event: string) => {
    said.push(event);
    return looked;
  }) as never);
  await useCall().join("call", looked);
  await settled();
  expect(tracks).toEqual([]);
  expect(said).toEqual(["seat.taken"]);
  expect(useCall().isObserver).toBe(true);
});

test("the switches are said once, and again to whoever has come meanwhile", async () => {
  let seats = CALL.seats;
  const said: object[] = [];
  const line = useLine();
  vi.spyOn(line, "hint").mockImplementation((event, body) => {
    if (event === "devices.switched") said.push(body);
  });
  vi.stubGlobal("fetch", async () => Response.json({ data: { ...CALL, seats }, error: null }));
  const call = useCall();
  await call.join("call");
  await settled();
  const changed = async () => {
    heard["call.changed"]!({ call_id: "call" });
    await vi.advanceTimersByTimeAsync(0);
    return said.length;
  };
  const before = said.length;
  expect(before).toBeGreaterThan(0);
  expect([await changed(), await changed()]).toEqual([before, before]);
  seats = seats.map((one) => (one.id === "far" ? { ...one, since: "2026-11-22T04:01:00Z" } : one));
  expect([await changed(), await changed()]).toEqual([before + 1, before + 1]);
  useMedia().mute(true);
  await settled();
  expect(said).toHaveLength(before + 2);
});

test("a guest whose seat is gone leaves a call that goes on", async () => {
  const seats = CALL.seats.map((one) => (one.id === "me" ? { ...one, side: "adviser" } : one));
  seat = Promise.resolve();
  const line = useLine();
  const advised = { ...CALL, seats } as unknown as Call;
  vi.spyOn(line.line!, "send").mockImplementation((async () => advised) as never);
  const call = useCall();
  await call.join("call", advised);
  expect(call.isGuest).toBe(true);
  const left = { ...advised, my_seat: null, seats: seats.slice(1) };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify({ data: left, error: null }), { headers: { "Content-Type": "application/json" } }));
  await vi.advanceTimersByTimeAsync(15_000);
  expect(call.call).toBe(null);
  expect(call.departed).toBe("line");
  expect(tracks.every((track) => !track.isLive)).toBe(true);
});

test("a camera that is open before the call is sent in it", async () => {
  await useMedia().open();
  await useCall().join("call");
  expect(sent()).toEqual(["audio", "video"]);
});

test("an offer is ready when the seat is answered for, and made to who has taken theirs meanwhile", async () => {
  await useMedia().open();
  const taking = gate<void>();
  const begun = { ...CALL, topology: "direct", connected_at: null };
  const seated = (...ids: string[]) =>
    ({ ...begun, seats: CALL.seats.map((one) => ({ ...one, connected: ids.includes(one.id) })) }) as unknown as Call;
  const said: string[] = [];
  vi.spyOn(useLine().line!, "send").mockImplementation((async (event: string) => {
    said.push(event);
    return event === "seat.taken" ? taking.wait.then(() => seated("me")) : null;
  }) as never);
  const joining = useCall().join("call", seated());
  await settled();
  expect([connections[0]?.localDescription?.type, said]).toEqual(["offer", ["seat.taken"]]);
  heard["call.changed"]!({ call_id: "call", taken: { seat_id: "far", since: "2026-11-22T04:00:09Z" } });
  await settled();
  expect(said).toEqual(["seat.taken"]);
  taking.open();
  await joining;
  expect(said.slice(0, 2)).toEqual(["seat.taken", "signal.sent"]);
  expect(connections).toHaveLength(1);
});

test("a camera that opens only after the seat was taken is sent all the same", async () => {
  const media = useMedia();
  const call = useCall();
  await media.open();
  const taking = gate<void>();
  seat = taking.wait;
  const joining = call.join("call");
  media.close();
  taking.open();
  await joining;
  expect(sent()).toEqual([]);
  await media.open();
  expect(sent()).toEqual(["audio", "video"]);
});

test("while the seat is being taken, the call is known to be near", async () => {
  const taking = gate<void>();
  seat = taking.wait;
  const call = useCall();
  const joining = call.join("call");
  expect([call.isJoining, call.isOn]).toEqual([true, false]);
  taking.open();
  await joining;
  expect([call.isJoining, call.isOn]).toEqual([false, true]);
});

test("a camera that opens after it was closed does not stay on", async () => {
  const opening = gate<void>();
  devices = opening.wait;
  const media = useMedia();
  const first = media.open();
  media.close();
  opening.open();
  await first;
  expect([media.camera, tracks.map((track) => track.isLive)]).toEqual([null, [false, false]]);
});

test("a camera that is wanted again while it opens is opened once more", async () => {
  const opening = gate<void>();
  devices = opening.wait;
  const media = useMedia();
  const first = media.open();
  media.close();
  const second = media.open();
  opening.open();
  await Promise.all([first, second]);
  await settled();
  expect(media.camera).not.toBeNull();
  expect(tracks.map((track) => track.isLive)).toEqual([false, false, true, true]);
  expect(media.isOpening).toBe(false);
});

test("a tab that lost its seat is as any other once that call is over", async () => {
  const call = useCall();
  await call.join("call");
  heard["seat.lost"]!({ call_id: "call" });
  expect([call.isLost, call.isOn]).toEqual([true, true]);
  heard["call.ended"]!({ call_id: "call", case_id: "case", reason: "done" });
  expect([call.isLost, call.isOn]).toEqual([false, false]);
});

test("an answer about a call that was left meanwhile brings it not back", async () => {
  const update = vi.spyOn(CallSession.prototype, "update");
  const call = useCall();
  await call.join("call");
  const session = update.mock.contexts[0] as unknown as { options: { move: (leg: string) => Promise<void> } };
  const answer = gate<void>();
  seat = answer.wait;
  const moving = session.options.move("leg");
  call.leave();
  answer.open();
  await moving;
  expect([call.call, sessionStorage.length]).toEqual([null, 0]);
});
