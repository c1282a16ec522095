/** The socket: typed events, acknowledgements as data or ApiError, and word of every reconnection. */
import { io, type Socket } from "socket.io-client";
import { ApiError } from "./errors";
import type { Audience, Heard, Said } from "./notices";

const ACKNOWLEDGED_WITHIN = 8_000;

interface Answer {
  data: unknown;
  error: { code: string; field: string | null; details: Record<string, unknown> } | null;
}

type Listener<E extends keyof Heard> = (object: Heard[E]) => void;

/** One connection to the service; it comes back by itself, and says so with "up". */
export class Line {
  private readonly socket: Socket;

  /** `socket` is given by tests. */
  constructor(audience: Audience, socket?: Socket) {
    this.socket =
      socket ??
      io({
        query: { as: audience },
        transports: ["websocket"],
        autoConnect: false,
        reconnectionDelay: 500,
        reconnectionDelayMax: 5_000,
      });
  }

  get isUp(): boolean {
    return this.socket.connected;
  }

  open(): void {
    this.socket.connect();
  }

  close(): void {
    this.socket.disconnect();
  }

  /** Hear an event; returns what stops it. */
  on<E extends keyof Heard>(event: E, tell: Listener<E>): () => void {
    const listener = tell as (object: unknown) => void;
    this.socket.on(event as string, listener);
    return () => this.socket.off(event as string, listener);
  }

  /**
   * Hear of the line itself. "up" comes after every (re)connection: whatever was watched must be
   * watched again and caught up with. "refused" comes when the service does not take the line: ask
   * over HTTP whether the login has ended.
   */
  onState(tell: (state: "up" | "down" | "refused") => void): () => void {
    const up = () => tell("up");
    const refused = () => tell("refused");
    const down = (reason: string) => {
      tell("down");
      // The client does not come back by itself when it was the service that closed the line.
      if (reason === "io server disconnect") this.socket.connect();
    };
    this.socket.on("connect", up);
    this.socket.on("disconnect", down);
    this.socket.on("connect_error", refused);
    return () => {
      this.socket.off("connect", up);
      this.socket.off("disconnect", down);
      this.socket.off("connect_error", refused);
    };
  }

  /** Say something and return the acknowledgement's data; ApiError when refused or unanswered. */
  async send<E extends keyof Said>(event: E, object: Said[E]["takes"]): Promise<Said[E]["gives"]> {
    // Without this the client would keep it and say it after a reconnection, too late to be true.
    if (!this.socket.connected) throw new ApiError("network.lost", 0);
    let answer: Answer;
    try {
      answer = (await this.socket
        .timeout(ACKNOWLEDGED_WITHIN)
        .emitWithAck(event as string, object)) as Answer;
    } catch {
      throw new ApiError("network.lost", 0);
    }
    if (answer.error !== null) {
      throw new ApiError(answer.error.code, 0, answer.error.field, answer.error.details);
    }
    return answer.data as Said[E]["gives"];
  }
}
