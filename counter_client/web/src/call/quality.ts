/** How good a line is, from getStats every two seconds: loss both ways, delay, pictures. */

export type Level = "good" | "poor" | "bad";

export interface Quality {
  /** By the worse of both ways. */
  level: Level;
  /** What we receive: from 0 to 1, over the time since the last look. */
  loss: number;
  /** What we send, as the other ends last reported it; null where none did. */
  sentLoss: number | null;
  sentLevel: Level | null;
  /** Round trip in milliseconds; null before the first check. */
  roundTrip: number | null;
  framesDecoded: number;
  framesPerSecond: number;
  width: number;
  height: number;
}

/** What a look at a connection counts up to; the difference of two is a Quality. */
export interface Counts {
  at: number;
  received: number;
  lost: number;
  framesDecoded: number;
  width: number;
  height: number;
  roundTrip: number | null;
  sentLoss: number | null;
}

const POOR = 0.1;
const BAD = 0.15;
const MILLISECONDS = 1_000;
/** Reports on a voice come every five seconds, on a picture every second. */
const REPORTED_WITHIN = 6 * MILLISECONDS;

export function levelOf(loss: number): Level {
  if (loss >= BAD) return "bad";
  return loss >= POOR ? "poor" : "good";
}

/** Add up what a report says of incoming media and of the pair of candidates in use. */
export function count(report: readonly Record<string, unknown>[], at: number): Counts {
  const inUse = pairInUse(report);
  const counts: Counts = {
    at, received: 0, lost: 0, framesDecoded: 0, width: 0, height: 0, roundTrip: null,
    sentLoss: sentLossIn(report),
  };
  for (const entry of report) {
    if (entry.type === "inbound-rtp") {
      counts.received += number(entry.packetsReceived);
      counts.lost += Math.max(number(entry.packetsLost), 0);
      if (entry.kind === "video") {
        counts.framesDecoded += number(entry.framesDecoded);
        counts.width = Math.max(counts.width, number(entry.frameWidth));
        counts.height = Math.max(counts.height, number(entry.frameHeight));
      }
    } else if (entry === inUse && typeof entry.currentRoundTripTime === "number") {
      counts.roundTrip = Math.round(entry.currentRoundTripTime * MILLISECONDS);
    }
  }
  return counts;
}

/** The most that a stream of ours lost, of those on which somebody has reported lately. */
function sentLossIn(report: readonly Record<string, unknown>[]): number | null {
  const now = Math.max(...report.map((entry) => number(entry.timestamp)));
  const losses = report
    .filter((entry) => entry.type === "remote-inbound-rtp" && typeof entry.fractionLost === "number")
    .filter((entry) => number(entry.timestamp) >= now - REPORTED_WITHIN)
    .map((entry) => number(entry.fractionLost));
  return losses.length === 0 ? null : Math.max(...losses);
}

/** After a change of network there are several nominated pairs; the transport knows which one it uses. */
function pairInUse(report: readonly Record<string, unknown>[]): Record<string, unknown> | undefined {
  const pairs = report.filter((entry) => entry.type === "candidate-pair");
  const selected = report.find((entry) => entry.type === "transport")?.selectedCandidatePairId;
  return pairs.find((pair) => pair.id === selected) ?? pairs.find((pair) => pair.nominated === true);
}

/** What happened between two looks. */
export function compare(before: Counts, now: Counts): Quality {
  const received = Math.max(now.received - before.received, 0);
  const lost = Math.max(now.lost - before.lost, 0);
  const all = received + lost;
  // Silence where there was media means that everything is lost; where there was none, nothing.
  const silence = before.received > 0 && now.received > 0 ? 1 : 0;
  const loss = all === 0 ? silence : lost / all;
  const seconds = (now.at - before.at) / MILLISECONDS;
  const frames = Math.max(now.framesDecoded - before.framesDecoded, 0);
  const { sentLoss } = now;
  return {
    level: levelOf(Math.max(loss, sentLoss ?? 0)),
    loss,
    sentLoss,
    sentLevel: sentLoss === null ? null : levelOf(sentLoss),
    roundTrip: now.roundTrip,
    framesDecoded: now.framesDecoded,
    framesPerSecond: seconds > 0 ? Math.round(frames / seconds) : 0,
    width: now.width,
    height: now.height,
  };
}

/** Look at a connection every two seconds; returns what stops it. */
export function watchQuality(
  connection: Pick<RTCPeerConnection, "getStats">,
  tell: (quality: Quality) => void,
  every = 2 * MILLISECONDS,
): () => void {
  let before: Counts | null = null;
  const look = async () => {
    const report = await connection.getStats();
    const entries: Record<string, unknown>[] = [];
    report.forEach((entry: Record<string, unknown>) => entries.push(entry));
    const now = count(entries, performance.now());
    if (before) tell(compare(before, now));
    before = now;
  };
  void look().catch(() => undefined);
  const timer = setInterval(() => void look().catch(() => undefined), every);
  return () => clearInterval(timer);
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
