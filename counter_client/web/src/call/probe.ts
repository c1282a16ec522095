/**
 * Measuring the way to a media worker and back before there is a call. A made-up picture goes over
 * this tab's leg and comes back into its own slots: nobody is shown anything, and no camera is
 * needed. What was lost on the way there is counted by the worker, all else by the browser itself.
 */
import type { RelayState } from "./relay";

export interface Figures {
  up_kbps: number;
  down_kbps: number;
  up_loss: number;
  down_loss: number;
  round_trip_ms: number;
}

export type Found =
  | { network: "measured"; figures: Figures }
  | { network: "direct" | "unreachable" | "untried"; figures: null };

/** What the worker says when a probe is over. */
export interface Measured {
  packets: number;
  lost: number;
}

export interface ProbeOptions {
  relay: {
    readonly state: RelayState;
    readonly legId: string | null;
    readonly connection: Pick<RTCPeerConnection, "getStats"> | null;
    on: (event: "state", tell: (state: RelayState) => void) => () => void;
    share: (kind: "camera", stream: MediaStream) => void;
    unshare: (kind: "camera", stream: MediaStream) => void;
  };
  /** Have this tab hear itself; resolves with what the worker found when that is over. */
  measure: (legId: string, seconds: number, signal: AbortSignal) => Promise<Measured>;
  picture?: () => { stream: MediaStream; stop: () => void };
}

export const LASTS = 5;
export const REACHED_WITHIN = 12_000;
const LOOK_EVERY = 500;
/** Bandwidth is found in the first seconds: what counts is what the last ones carried. */
const LAST = 2_000;

/** Less than this, or more of it lost, is too little; the service judges by the same figures. */
export const LEAST_KBPS = 500;
export const MOST_LOSS = 0.05;
export const LONGEST_ROUND_TRIP = 400;

export function isEnough(one: Figures): boolean {
  return (
    Math.min(one.up_kbps, one.down_kbps) >= LEAST_KBPS &&
    Math.max(one.up_loss, one.down_loss) < MOST_LOSS &&
    one.round_trip_ms <= LONGEST_ROUND_TRIP
  );
}

/** Measure; `told` hears how far it is, from 0 to 100. What is called off resolves as untried. */
export async function probe(
  { relay, measure, picture = createNoise }: ProbeOptions,
  signal: AbortSignal,
  told: (part: number) => void,
): Promise<Found> {
  const reached = await reach(relay, signal);
  if (reached !== "connected") return { network: reached, figures: null };
  const { legId, connection } = relay;
  if (signal.aborted || legId === null || connection === null) return { network: "untried", figures: null };
  const { stream, stop } = picture();
  relay.share("camera", stream);
  const looks: Look[] = [];
  const look = async () => {
    looks.push(readLook([...(await connection.getStats()).values()], performance.now()));
    told(Math.min(100, Math.round(((looks.length - 1) * LOOK_EVERY) / (LASTS * 10))));
  };
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    await look();
    timer = setInterval(() => void look().catch(() => undefined), LOOK_EVERY);
    const measured = await measure(legId, LASTS, signal);
    return { network: "measured", figures: figuresOf(looks, measured) };
  } catch {
    return { network: "untried", figures: null };
  } finally {
    clearInterval(timer);
    stop();
    // A call may have begun meanwhile: what it sends is left alone.
    relay.unshare("camera", stream);
  }
}

/** Wait for the leg. Where it never comes about the network lets no media through. */
function reach(
  relay: ProbeOptions["relay"],
  signal: AbortSignal,
): Promise<"connected" | "direct" | "unreachable" | "untried"> {
  return new Promise((resolve) => {
    const done = (found: "connected" | "direct" | "unreachable" | "untried") => {
      clearTimeout(timer);
      stop();
      resolve(found);
    };
    const settle = (state: RelayState) => {
      if (state === "connected") done("connected");
      else if (state === "none") done("direct");
    };
    const timer = setTimeout(() => done("unreachable"), REACHED_WITHIN);
    const stop = relay.on("state", settle);
    signal.addEventListener("abort", () => done("untried"), { once: true });
    if (signal.aborted) done("untried");
    else settle(relay.state);
  });
}

/** What a connection counts up to at one moment. */
export interface Look {
  at: number;
  sent: number;
  received: number;
  packets: number;
  lost: number;
  roundTrip: number;
}

export function readLook(report: readonly Record<string, unknown>[], at: number): Look {
  const found: Look = { at, sent: 0, received: 0, packets: 0, lost: 0, roundTrip: 0 };
  for (const entry of report) {
    if (entry.type === "outbound-rtp") {
      found.sent += number(entry.bytesSent) + number(entry.headerBytesSent);
    } else if (entry.type === "inbound-rtp") {
      found.received += number(entry.bytesReceived) + number(entry.headerBytesReceived);
      found.packets += number(entry.packetsReceived);
      found.lost += Math.max(number(entry.packetsLost), 0);
    } else if (entry.type === "candidate-pair" && entry.nominated === true) {
      found.roundTrip = Math.max(found.roundTrip, number(entry.currentRoundTripTime) * 1_000);
    }
  }
  return found;
}

/** Make figures of the looks at a connection and of what its worker counted. */
export function figuresOf(looks: readonly Look[], { packets, lost }: Measured): Figures {
  const [first, last] = [looks[0], looks.at(-1)];
  const upLoss = share(lost, packets);
  if (first === undefined || last === undefined || first === last) {
    return { up_kbps: 0, down_kbps: 0, up_loss: upLoss, down_loss: 0, round_trip_ms: 0 };
  }
  const since = looks.filter((one) => last.at - one.at >= LAST).at(-1) ?? first;
  const milliseconds = Math.max(last.at - since.at, 1);
  // What came back had both ways to go.
  const both = share(last.lost - first.lost, last.packets - first.packets);
  const downLoss = upLoss < 1 ? round(Math.max(0, 1 - (1 - both) / (1 - upLoss))) : 0;
  return {
    up_kbps: Math.round(((last.sent - since.sent) * 8 * (1 - upLoss)) / milliseconds),
    down_kbps: Math.round(((last.received - since.received) * 8) / milliseconds),
    up_loss: upLoss,
    down_loss: downLoss,
    round_trip_ms: Math.round(last.roundTrip),
  };
}

function share(lost: number, came: number): number {
  return lost > 0 ? round(lost / (lost + Math.max(came, 0))) : 0;
}

/** Hundredths of a percent are as much as some hundred packets can tell. */
function round(part: number): number {
  return Math.round(part * 10_000) / 10_000;
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

const WIDTH = 320;
const HEIGHT = 180;
const FRAMES = 15;

/** A picture that no encoder can make small: what is sent is what the way carries. */
export function createNoise(): { stream: MediaStream; stop: () => void } {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const context = canvas.getContext("2d");
  const image = new ImageData(WIDTH, HEIGHT);
  const pixels = new Uint32Array(image.data.buffer);
  const draw = () => {
    for (let at = 0; at < pixels.length; at++) pixels[at] = 0xff000000 | (Math.random() * 0x1000000);
    context?.putImageData(image, 0, 0);
  };
  draw();
  const timer = setInterval(draw, 1_000 / FRAMES);
  const stream = canvas.captureStream(FRAMES);
  return {
    stream,
    stop: () => {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
    },
  };
}
