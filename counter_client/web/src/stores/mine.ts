/** The call and the case that this tab sits in: kept where they outlive its being loaded anew. */
const MINE = "kuayu.call";

export function remember(call: { id: string; case_id: string }): void {
  sessionStorage.setItem(MINE, JSON.stringify([call.id, call.case_id]));
}

export function forget(): void {
  sessionStorage.removeItem(MINE);
}

export function remembered(): { callId: string; caseId: string } | null {
  try {
    const [callId, caseId] = JSON.parse(sessionStorage.getItem(MINE) ?? "[]") as string[];
    return callId && caseId ? { callId, caseId } : null;
  } catch {
    return null;
  }
}
