/** Watches the line of a call: what its figures are, and how much of us it may carry. */
import { Emitter } from "./emitter";
import { Ladder, type Rung } from "./ladder";
import { type Quality, watchQuality } from "./quality";

type Watched = Pick<RTCPeerConnection, "getStats" | "connectionState">;

export class LineWatch extends Emitter<{ quality: Quality; rung: Rung }> {
  private ladder = new Ladder();
  private unwatch: () => void = () => undefined;

  get rung(): Rung {
    return this.ladder.rung;
  }

  /** Look at this connection from now on; null: at none. */
  follow(connection: Watched | null): void {
    this.unwatch();
    this.unwatch = () => undefined;
    if (connection !== null) this.unwatch = watchQuality(connection, (seen) => this.take(connection, seen));
  }

  /** The call is over: the next one begins with everything. */
  reset(): void {
    this.follow(null);
    this.ladder = new Ladder();
  }

  private take(connection: Watched, seen: Quality): void {
    this.tell("quality", seen);
    // A line that is cut is mended otherwise: what it last said of loss is of no use.
    if (connection.connectionState !== "connected") return;
    const before = this.ladder.rung;
    const now = this.ladder.look(seen.sentLevel);
    if (now !== before) this.tell("rung", now);
  }
}
