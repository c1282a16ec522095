/** Two seats of one call, each with its own CallSession, and a service between them that loses things. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Call } from "@/api/shapes";
import { type AddressedSignal, CallSession } from "./call";
import { FRESH } from "./end";
import { FakeConnection, fakeStream, fakeTrack, settled } from "./fake";

const SEATS = ["local", "remote"] as const;
type SeatId = (typeof SEATS)[number];

class Service {
  readonly made: Record<SeatId, FakeConnection[]> = { local: [], remote: [] };
  readonly sessions = {} as Record<SeatId, CallSession>;
  loses: (signal: AddressedSignal) => boolean = () => false;
  private readonly since: Record<SeatId, number> = { local: 0, remote: 0 };
  private readonly away = new Set<SeatId>();
  private clock = 0;

  /** A page takes its seat: a new one after a reload, or the same one on a new socket. */
  take(seat: SeatId, page = this.page(seat)): void {
    this.since[seat] = ++this.clock;
    this.away.delete(seat);
    this.sessions[seat] = page;
    page.update(this.callAs(seat));
  }

  /** A page dies with its socket. */
  leave(seat: SeatId): void {
    this.sessions[seat].close();
    this.away.add(seat);
  }

  /** The other side hears that a seat was taken. */
  notify(seat: SeatId): void {
    this.sessions[seat === "local" ? "remote" : "local"].hearTaken(seat, this.epochOf(seat));
  }

  /** The other side hears of it, and asks. */
  tell(seat: SeatId): void {
    this.sessions[seat].update(this.callAs(seat));
  }

  now(seat: SeatId): FakeConnection {
    return this.made[seat].at(-1)!;
  }

  private page(seat: SeatId): CallSession {
    const session = new CallSession({
      connect: () => {
        const fake = new FakeConnection(`${seat}${this.made[seat].length}`);
        this.made[seat].push(fake);
        return fake as unknown as RTCPeerConnection;
      },
      send: (to, signal) => {
        const said = { call_id: "call", from: seat, ...signal } as AddressedSignal;
        if (this.sessions[seat] === session && !this.loses(said)) this.sessions[to as SeatId].hear(said);
      },
    });
    session.share("camera", fakeStream(`${seat} stream`, fakeTrack("video"), fakeTrack("audio")));
    return session;
  }

  private epochOf(seat: SeatId): string {
    return new Date(this.since[seat] * 1_000).toISOString();
  }

  private callAs(mine: SeatId): Call {
    const other = mine === "local" ? "remote" : "local";
    return {
      id: "call", my_seat: mine, topology: "direct", connected_at: null, ice_servers: [],
      seats: SEATS.map((id) => ({
        id, side: id, connected: this.since[id] > 0 && !this.away.has(id), since: this.epochOf(id),
      })),
      ends: [{ seat_id: other, polite: mine === "remote" }],
    } as unknown as Call;
  }
}

let service: Service;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  service = new Service();
  service.take("local");
  service.take("remote");
  service.tell("local");
});
afterEach(() => {
  for (const seat of SEATS) service.sessions[seat].close();
  vi.useRealTimers();
});

/** Both are stable, and each has the other's last connection before it. */
function expectAgreement(): void {
  const [one, two] = [service.now("local"), service.now("remote")];
  expect([one.signalingState, two.signalingState]).toEqual(["stable", "stable"]);
  expect(one.remoteDescription?.sdp).toContain(`sha-256 ${two.name.toUpperCase()}\n`);
  expect(two.remoteDescription?.sdp).toContain(`sha-256 ${one.name.toUpperCase()}\n`);
}

it("agree when both come at once", async () => {
  await settled();
  expectAgreement();
});

it.each(SEATS)("agree by what the %s side has ready, which takes its seat first", async (first) => {
  service = new Service();
  const second = first === "local" ? "remote" : "local";
  service.take(first);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(service.made[first]).toHaveLength(1);
  service.sessions[first].expectChange();
  service.take(second);
  await settled();
  // The polite one answers before it hears who has come; the impolite one must hear of it to speak.
  expect(service.now(first).remoteDescription !== null).toBe(first === "remote");
  service.tell(first);
  await settled();
  expectAgreement();
  expect(SEATS.map((seat) => service.made[seat].map((one) => one.rollbacks))).toEqual([[0], [0]]);
});

it.each([true, false])("agree although the other died as it was met, and came back long after, noticed: %s", async (noticed) => {
  service = new Service();
  service.take("local");
  await settled();
  service.take("remote");
  service.loses = () => true;
  service.notify("remote");
  service.leave("remote");
  service.tell("local");
  await vi.advanceTimersByTimeAsync(60_000);
  service.loses = () => false;
  service.take("remote");
  if (noticed) service.notify("remote");
  service.tell("local");
  await vi.advanceTimersByTimeAsync(2_000);
  expectAgreement();
});

it.each(SEATS)("agree when a second page of the %s side takes its seat while the first is being met", async (seat) => {
  service = new Service();
  service.take("local");
  await settled();
  service.take("remote");
  service.notify("remote");
  await vi.advanceTimersByTimeAsync(1);
  service.sessions[seat].close();
  service.take(seat);
  service.notify(seat);
  await vi.advanceTimersByTimeAsync(100);
  expectAgreement();
});

it.each(SEATS)("agree although the other came long after the %s side, and was lost at first", async (first) => {
  service = new Service();
  const second = first === "local" ? "remote" : "local";
  service.take(first);
  await vi.advanceTimersByTimeAsync(FRESH + 1);
  let left = 4;
  service.loses = () => left-- > 0;
  service.take(second);
  service.tell(first);
  await vi.advanceTimersByTimeAsync(60_000);
  expectAgreement();
});

it.each(SEATS)("agree after the %s page was loaded again and the other heard of it late", async (seat) => {
  await settled();
  const other = seat === "local" ? "remote" : "local";
  service.sessions[seat].close();
  service.take(seat);
  await settled();
  service.tell(other);
  await vi.advanceTimersByTimeAsync(30_000);
  expectAgreement();
});

it.each(SEATS)("agree after a new socket of the %s side, heard of before its signals", async (seat) => {
  await settled();
  const other = seat === "local" ? "remote" : "local";
  service.sessions[other].expectChange();
  service.take(seat, service.sessions[seat]);
  await settled();
  service.tell(other);
  await settled();
  expectAgreement();
  expect(service.made[other]).toHaveLength(2);
});

it("agree although the notice of a changed call was lost", async () => {
  await settled();
  service.sessions.remote.close();
  service.take("remote");
  await vi.advanceTimersByTimeAsync(30_000);
  expectAgreement();
});

it("agree although every description gets lost at first", async () => {
  let left = 6;
  service.loses = (signal) => "description" in signal && left-- > 0;
  service.take("remote", service.sessions.remote);
  service.tell("local");
  await vi.advanceTimersByTimeAsync(60_000);
  expectAgreement();
});

it("agree after both took their seats anew at the same moment", async () => {
  await settled();
  service.sessions.local.expectChange();
  service.sessions.remote.expectChange();
  service.take("local", service.sessions.local);
  service.take("remote", service.sessions.remote);
  service.tell("local");
  await vi.advanceTimersByTimeAsync(30_000);
  expectAgreement();
});

it("agree whatever is reloaded, told, lost or cut, and in whatever order", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const chance = dice(seed);
    service.loses = () => chance() < 0.25;
    for (let step = 0; step < 25; step++) {
      const seat = SEATS[chance() < 0.5 ? 0 : 1];
      const roll = chance();
      if (roll < 0.15) {
        service.sessions[seat].close();
        service.take(seat);
      } else if (roll < 0.3) service.take(seat, service.sessions[seat]);
      else if (roll < 0.5) service.tell(seat);
      else if (roll < 0.6) service.sessions[seat].expectChange();
      else if (roll < 0.7) service.now(seat).become("failed");
      else if (roll < 0.8) service.sessions[seat].share("screen", fakeStream("screen", fakeTrack("video")));
      else if (roll < 0.9) service.sessions[seat].share("screen", null);
      else service.now(seat).become("connected");
      await vi.advanceTimersByTimeAsync(chance() * 3_000);
    }
    service.loses = () => false;
    for (const seat of SEATS) {
      service.tell(seat);
      service.now(seat).become("connected");
    }
    await vi.advanceTimersByTimeAsync(30_000);
    // What was lost while nobody could hear is made good by the next thing that is negotiated.
    for (const seat of SEATS) service.sessions[seat].restart();
    await vi.advanceTimersByTimeAsync(30_000);
    expectAgreement();
  }
});

/** The same throws for the same seed. */
function dice(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
