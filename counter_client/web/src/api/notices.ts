/** Everything that goes over the socket; all of it comes from the service's own document (`kuayu socket`). */
import type { components } from "./socket-schema";

type Models = components["schemas"];

/** What we may say, and what the acknowledgement's data is. */
export type Said = Models["Said"];
/** What we may hear. Notices are hints: lost, doubled or late ones change nothing in the end. */
export type Heard = Models["Heard"];

export type Description = Models["Description"];
export type Candidate = Models["Candidate"];

/** What a leg is opened for: its relay is chosen by it. */
export type Near = { case_id: string } | { offer_id: string } | { call_id: string } | null;
export type OpenedLeg = Said["leg.opened"]["gives"];
export type MappedStream = Heard["streams.mapped"]["streams"][number];

/** Which of a seat's devices are on. */
export type Switches = Pick<Heard["devices.switched"], "microphone" | "camera" | "sends">;

/** Why a guest's seat ended before the call did. */
export type Departure = Heard["seat.ended"]["reason"];

export type Audience = "staff" | "device" | "citizen";
