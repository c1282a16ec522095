/** The wire's models by their own names; all of them come from the service's OpenAPI document. */
import type { components } from "./schema";

type Models = components["schemas"];

export type Me = Models["Me"];
export type Clerk = Models["Clerk"];
export type Role = Models["Role"];
export type Region = Models["RegionView"];
export type Hall = Models["HallView"];
export type Item = Models["ItemView"];
export type ItemField = Models["FieldView"];
export type FieldType = Models["FieldType"];
export type MaterialKind = Models["MaterialKindView"];
export type CertificateKind = Models["CertificateKindView"];

export type Case = Models["Case"];
export type CaseRow = Models["CaseRow"];
export type CaseList = Models["CaseList"];
export type CaseOrder = Models["CaseOrder"];
export type CaseState = Models["CaseState"];
export type Field = Models["Field"];
export type Material = Models["Material"];
export type Tick = Models["Tick"];
export type Check = Models["Check"];
export type CheckKind = Models["CheckKind"];
export type Consent = Models["Consent"];
export type Origin = Models["Origin"];
export type Side = Case["side"];
export type Event = Models["Event"];
export type EventList = Models["EventList"];

export type Ticket = Models["Ticket"];
export type Queue = Models["Queue"];
export type QueueRow = Models["QueueRow"];
export type Agent = Models["Agent"];
export type AgentState = Models["AgentState"];
export type Offer = Models["Offer"];

export type Call = Models["Call"];
export type Seat = Models["Seat"];
export type End = Models["End"];
export type IceServer = Models["IceServer"];
export type EndReason = Models["EndReason"];
export type Still = Models["Still"];
export type Authority = Models["Authority"];
export type Invitation = Models["Invitation"];
export type Colleague = Models["Colleague"];

export type DeviceCheck = Models["DeviceCheck"];
export type DeviceTrial = Models["DeviceTrial"];
export type Tried = Models["Tried"];
export type Outlook = Models["Outlook"];
export type CallRecording = Models["CallRecording"];
export type RecordedCall = Models["RecordedCall"];
export type RecordedCalls = Models["RecordedCalls"];
export type Viewing = Models["Viewing"];
export type ViewedPart = Models["ViewedPart"];
export type ExportJob = Models["ExportJob"];

export type Certificate = Models["Certificate"];
export type Receipt = Models["Receipt"];
export type Verdict = Models["Verdict"];
export type VerdictKind = Models["VerdictKind"];
export type StatusListIndex = Models["StatusListIndex"];
export type PendingRevocation = Models["PendingRevocation"];
export type RevocationRequest = Models["RevocationRequest"];
export type CorrectionPreview = Models["CorrectionPreview"];
export type Difference = Models["Difference"];
export type Review = Models["Review"];
export type ReviewStanding = Models["ReviewStanding"];
export type ReviewRequest = Models["ReviewRequest"];
export type ReviewedCase = Models["ReviewedCase"];
export type ReviewFault = Models["ReviewFault"];
export type ReviewCause = Models["ReviewCause"];
export type Recall = Models["Recall"];
export type Cause = Models["Cause"];
export type Outcome = Models["Outcome"];
export type Settlement = Models["Settlement"];

export type RegisterPage = Models["RegisterPage"];
export type RegisterLine = Models["RegisterLine"];
export type RegisterEntry = Models["RegisterEntry"];
export type RegisterQuery = Models["RegisterQuery"];
export type Standing = Models["Standing"];

export type PickupLink = Models["PickupLink"];
export type Facing = Models["Facing"];
export type FacingStep = Models["Step"];
export type PairingOffer = Models["PairingOffer"];
export type CitizenCase = Models["CitizenCase"];
export type Board = Models["Board"];
export type BoardCards = Models["BoardCards"];
export type Failure = Models["Failure"];
