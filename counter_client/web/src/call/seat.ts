/** The seat's own words to the service, the same from the workbench and from the facing screen. */
import { ApiError } from "@/api/errors";
import type { Call } from "@/api/shapes";
import type { Say } from "./relay";

const UNFIT = ["leg.unknown", "leg.elsewhere"];

/** Take my seat, on a leg or on none: a leg that will not do keeps nobody from a seat. */
export async function takeSeat(say: Say, callId: string, legId: string | null): Promise<Call> {
  try {
    return await say("seat.taken", { call_id: callId, leg_id: legId });
  } catch (error) {
    if (legId === null || !(error instanceof ApiError) || !UNFIT.includes(error.code)) throw error;
    return say("seat.taken", { call_id: callId, leg_id: null });
  }
}
