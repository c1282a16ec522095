import { io, WebSocket as WebSocketTransport } from "socket.io-client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError } from "./errors";
import { Line } from "./socket";

const OPENED = { sid: "e", upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 65_536 };

/** What the browser would give: a WebSocket to a service that lets everybody join. */
class FakeWebSocket {
  onopen: () => void = () => undefined;
  onmessage: (event: { data: string }) => void = () => undefined;
  onclose: (event: { code: number; reason: string }) => void = () => undefined;

  constructor() {
    sockets.push(this);
    queueMicrotask(() => {
      this.onopen();
      this.onmessage({ data: `0${JSON.stringify(OPENED)}` });
    });
  }

  send(frame: string): void {
    if (frame === "40") setTimeout(() => this.onmessage({ data: '40{"sid":"s"}' }));
  }

  close(): void {}
}

class FakeTransport extends WebSocketTransport {
  override createSocket(): FakeWebSocket {
    return new FakeWebSocket();
  }
}

let sockets: FakeWebSocket[];
let line: Line;
let changes: [string, string | null][];

const last = () => sockets.at(-1)!;
const pass = (time: number) => vi.advanceTimersByTimeAsync(time);

beforeEach(async () => {
  vi.useFakeTimers();
  sockets = [];
  changes = [];
  const socket = io("http://kuayu.test", {
    transports: [FakeTransport as never],
    autoConnect: false,
    forceNew: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: 5_000,
  });
  line = new Line("staff", socket);
  line.onState((state, why) => changes.push([state, why?.code ?? null]));
  line.open();
  await pass(10);
  expect(line.isUp).toBe(true);
});

afterEach(() => {
  line.close();
  vi.useRealTimers();
});

it("comes back soon after a cut, and says nothing of a refusal", async () => {
  last().onclose({ code: 1006, reason: "" });
  await pass(1_000);
  expect(changes).toEqual([["up", null], ["down", null], ["up", null]]);
});

it("says why the service closed the line, and stays away for a while", async () => {
  last().onclose({ code: 1009, reason: "frame.too_large" });
  await pass(4_900);
  expect(changes).toEqual([["up", null], ["down", "frame.too_large"]]);
  expect(sockets).toHaveLength(1);
  await pass(200);
  expect(changes.at(-1)).toEqual(["up", null]);
  expect(sockets).toHaveLength(2);
});

it("stays away twice as long each time, and a minute at most", async () => {
  for (const away of [5, 10, 20, 40, 60, 60]) {
    const known = sockets.length;
    last().onclose({ code: 1008, reason: "frame.malformed" });
    await pass(away * 1_000 - 100);
    expect(sockets).toHaveLength(known);
    await pass(200);
    expect(line.isUp).toBe(true);
  }
});

it("forgets that once a line has lasted", async () => {
  last().onclose({ code: 1008, reason: "frame.malformed" });
  await pass(5_100);
  // The service's pings keep it up.
  for (let second = 0; second < 70; second += 10) {
    await pass(10_000);
    last().onmessage({ data: "2" });
  }
  last().onclose({ code: 1008, reason: "frame.malformed" });
  await pass(5_100);
  expect(line.isUp).toBe(true);
});

it("tells who waits for an answer why there will be none, and who asks after that", async () => {
  const said = line.send("case.watched", { case_id: "0" });
  const refused = expect(said).rejects.toEqual(new ApiError("frame.too_large", 0));
  last().onclose({ code: 1009, reason: "frame.too_large" });
  await refused;
  const late = line.send("case.watched", { case_id: "0" });
  await expect(late).rejects.toMatchObject({ code: "frame.too_large" });
  await pass(5_100);
  const lost = line.send("case.watched", { case_id: "0" });
  const cut = expect(lost).rejects.toMatchObject({ code: "network.lost" });
  last().onclose({ code: 1006, reason: "" });
  await cut;
});

it("does not take just any reason for a code", async () => {
  last().onclose({ code: 1001, reason: "going away" });
  await pass(1_000);
  expect(changes).toEqual([["up", null], ["down", null], ["up", null]]);
});

it("stays closed when it is closed while it stays away", async () => {
  last().onclose({ code: 1008, reason: "frame.malformed" });
  line.close();
  await pass(120_000);
  expect(sockets).toHaveLength(1);
});
