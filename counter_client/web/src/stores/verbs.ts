/** What staff can do with the case on the desk, one function per command of docs/protocol.md. */
import { create, post, upload } from "@/api/http";
import type {
  Call, Case, Certificate, Check, CheckKind, Consent, CorrectionPreview, Material, Origin, Settlement, Ticket, Verdict,
} from "@/api/shapes";

/** `path` gives the case's address; `run` carries a command out and catches up with what it did. */
export function createVerbs(
  path: (rest: string) => string,
  run: <T>(command: () => Promise<T>) => Promise<T>,
) {
  const reveal = (name: string) => post<{ value: string }>(path("/reveals"), { name });

  /** A file belongs to the case it was chosen for, which may lie on the desk no more by its turn. */
  function addMaterial(
    caseId: string,
    kind: string,
    file: Blob,
    told: (part: number) => void,
    origin: Origin = "upload",
    stillId?: string,
  ) {
    const query = new URLSearchParams({ kind, origin });
    if (stillId !== undefined) query.set("still_id", stillId);
    return run(() => upload<Material>(`/api/cases/${caseId}/materials?${query}`, file, told));
  }

  const tickMaterial = (id: string, accepted: boolean, remark = "") =>
    run(() => post<Material>(path(`/materials/${id}/tick`), { accepted, remark }));
  const removeMaterial = (id: string, reason: string) =>
    run(() => post<Material>(path(`/materials/${id}/removal`), { reason }));
  const recordCheck = (kind: CheckKind, passed: boolean, evidence: string[], remark: string) =>
    run(() => create<Check>(path("/checks"), { kind, passed, evidence, remark }));
  const askConsent = () => run(() => post<Consent>(path("/consent-requests")));

  const say = (callId: string, text: string) =>
    run(() => create<unknown>(`/api/calls/${callId}/remarks`, { text }));
  const confirmPerson = (callId: string) => run(() => post<Call>(`/api/calls/${callId}/person`));

  const takeTicket = () => run(() => create<Ticket>(path("/ticket")));
  const abandonTicket = (ticketId: string, reason: string) =>
    run(() => post<Ticket>(`/api/tickets/${ticketId}/abandonment`, { reason }));

  const returnCase = (missing: { what: string; why: string }[], remark: string) =>
    run(() => post<Case>(path("/return"), { missing, remark }));
  const refuseCase = (reason: string, basis: string) =>
    run(() => post<Case>(path("/refusal"), { reason, basis }));
  const deferCase = (remark: string, due_on: string) =>
    run(() => post<Case>(path("/deferral"), { remark, due_on }));
  const promiseCase = (text: string) => run(() => post<Case>(path("/promise"), { text }));
  const withdrawCase = (reason: string) => run(() => post<Case>(path("/withdrawal"), { reason }));

  const issue = (kind: string) => run(() => create<Certificate>(path("/certificates"), { kind }));
  const verify = (id: string) => run(() => post<Verdict>(`/api/certificates/${id}/verification`));
  const revoke = (id: string, reason: string) =>
    run(() => post<Certificate>(`/api/certificates/${id}/revocation`, { reason }));
  const previewCorrection = (id: string, values: Record<string, string>) =>
    post<CorrectionPreview>(`/api/certificates/${id}/correction-previews`, { values });
  const correct = (id: string, values: Record<string, string>, reason: string) =>
    run(() => create<Certificate>(`/api/certificates/${id}/corrections`, { values, reason }));
  const settle = (certificate_id: string | null, reference: string, remark: string) =>
    run(() => create<Settlement>(path("/settlement"), { certificate_id, reference, remark }));

  return {
    reveal, addMaterial, tickMaterial, removeMaterial, recordCheck, askConsent, say, confirmPerson, takeTicket,
    abandonTicket, returnCase, refuseCase, deferCase, promiseCase, withdrawCase, issue, verify,
    revoke, previewCorrection, correct, settle,
  };
}
