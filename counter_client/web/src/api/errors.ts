/** What can go wrong between us and the service. */

/**
 * A refusal with a stable code (the service's, or one of ours: `network.lost` when no answer came,
 * `answer.unreadable` when it was not one of the service's). Words for people are in ui/errors.ts.
 */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly field: string | null = null,
    readonly details: Record<string, unknown> = {},
    readonly requestId = "",
  ) {
    super(code);
    this.name = "ApiError";
  }

  /** Whether the command may have been carried out all the same: ask again with the same key. */
  get isUnknown(): boolean {
    return this.code === "network.lost" || this.code === "answer.unreadable" || this.status >= 500;
  }
}
