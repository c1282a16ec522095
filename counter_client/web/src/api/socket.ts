/** The socket: typed events, acknowledgements as data or ApiError, and word of every reconnection. */
import { io, type Socket } from "socket.io-client";
import { ApiError } from "./errors";
import type { Audience, Heard, Said } from "./notices";

const ACKNOWLEDGED_WITHIN = 8_000;
/**
 * How long to stay away when the service has closed the line because of what we said: coming back
 * and saying the same ends the same. Twice as long each time, until a line has lasted.
 */
const STAYS_AWAY = 5_000;
const STAYS_AWAY_AT_MOST = 60_000;

interface Answer {
  data: unknown;
  error: { code: string; field: string | null; details: Record<string, unknown> } | null;
}

export type LineChange = "up" | "down" | "refused";

type Listener<E extends keyof Heard> = (object: Heard[E]) => void;

/** One connection to the service; it comes back by itself, and says so with "up". */
export class Line {
  private readonly socket: Socket;
  /** Why the service closed the line, while it is closed. */
  private refusal: ApiError | null = null;
  private away = STAYS_AWAY;
  private upSince = 0;
  private coming: ReturnType<typeof setTimeout> | undefined;

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
    this.socket.on("connect", () => {
      this.refusal = null;
      this.upSince = Date.now();
    });
    this.socket.on("disconnect", (reason, details) => this.ended(reason, details));
  }

  get isUp(): boolean {
    return this.socket.connected;
  }

  open(): void {
    this.socket.connect();
  }

  close(): void {
    clearTimeout(this.coming);
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
   * watched again and caught up with. "down" comes with the refusal when the service closed the line
   * because of what we said. "refused" comes when the service does not take the line: ask over HTTP
   * whether the login has ended.
   */
  onState(tell: (state: LineChange, why: ApiError | null) => void): () => void {
    const up = () => tell("up", null);
    const refused = () => tell("refused", null);
    const down = () => tell("down", this.refusal);
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
    if (!this.socket.connected) throw this.lost();
    let answer: Answer;
    try {
      answer = (await this.socket
        .timeout(ACKNOWLEDGED_WITHIN)
        .emitWithAck(event as string, object)) as Answer;
    } catch {
      throw this.lost();
    }
    if (answer.error !== null) {
      throw new ApiError(answer.error.code, 0, answer.error.field, answer.error.details);
    }
    return answer.data as Said[E]["gives"];
  }
  private lost(): ApiError {
    return this.refusal ?? new ApiError("network.lost", 0);
  }

  /** Come back: at once when the service only let us go, later when it was because of what we said. */
  private ended(reason: string, details: unknown): void {
    const code = codeOf(details);
    if (code !== null) {
      this.refusal = new ApiError(code, 0);
      if (Date.now() - this.upSince > STAYS_AWAY_AT_MOST) this.away = STAYS_AWAY;
      // This keeps the client from coming back by itself.
      this.socket.disconnect();
      this.coming = setTimeout(() => this.socket.connect(), this.away);
      this.away = Math.min(2 * this.away, STAYS_AWAY_AT_MOST);
    } else if (reason === "io server disconnect") {
      // The client does not come back by itself when it was the service that closed the line.
      this.socket.connect();
    }
  }
}

/** The stable code that stands as the reason in a WebSocket's close frame. */
function codeOf(details: unknown): string | null {
  const event = (details as { context?: unknown } | undefined)?.context;
  const reason = (event as { reason?: unknown } | undefined)?.reason;
  return typeof reason === "string" && /^[a-z_]+\.[a-z_]+$/.test(reason) ? reason : null;
}
