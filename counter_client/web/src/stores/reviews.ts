/** What waits for a second clerk before it is issued, and how that stands on the case on the desk. */
import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import { get, post } from "@/api/http";
import type { CaseState, ReviewedCase, ReviewRequest, ReviewStanding } from "@/api/shapes";
import { useDesk } from "./desk";
import { keepFresh, settled } from "./fresh";
import { useLine } from "./line";
import { useMe } from "./me";

const LOOK_AGAIN_EVERY = 30_000;
/** A case that has gone on, or back, has nothing to be decided on. */
const DECIDED_IN: CaseState[] = ["in_call", "with_jurisdiction", "certified", "settled"];

export const useReviews = defineStore("reviews", () => {
  const me = useMe();
  const desk = useDesk();
  const requests = ref<ReviewRequest[]>([]);
  /** How reviews stand on the case on the desk, by kind; none where none is ever asked for. */
  const standings = ref<ReviewStanding[]>([]);

  /** How it stands with what is issued next: null until that is known, undefined where nobody asks. */
  const next = computed(() => {
    const isValid = (kind: string) => desk.certificates.some((one) => one.kind === kind && one.state === "valid");
    const kind = desk.item?.certificates.find((one) => !isValid(one.kind));
    if (!kind?.review) return undefined;
    const found = standings.value.find((one) => one.kind === kind.kind);
    return found === undefined ? null : found.asked ? found : undefined;
  });
  /** What of the case on the desk is before a second clerk now, a correction of what still counts included. */
  const awaited = computed(() => {
    if (!DECIDED_IN.includes(desk.shown?.state ?? "draft")) return [];
    return standings.value.flatMap(({ fault, review }) => {
      if (review?.state !== "open") return [];
      const counts = desk.certificates.some((one) => one.id === review.corrects && one.state === "valid");
      return (review.corrects === null ? fault === "pending" : counts) ? [review] : [];
    });
  });

  async function load(): Promise<void> {
    const found = me.isAgent || me.isSupervisor ? await get<{ requests: ReviewRequest[] }>("/api/reviews") : null;
    requests.value = found?.requests ?? [];
  }

  /** Read how it stands on the case that lies on the desk; an answer about another comes too late. */
  async function look(): Promise<void> {
    const id = desk.caseId;
    const asks = desk.item?.certificates.some((one) => one.review !== null) ?? false;
    if (id === null || !asks) {
      standings.value = [];
      return;
    }
    const found = await get<{ kinds: ReviewStanding[] }>(`/api/cases/${id}/reviews`);
    if (id === desk.caseId) standings.value = found.kinds;
  }

  const { soon: loadSoon, run } = keepFresh(() => Promise.all([load(), look()]), LOOK_AGAIN_EVERY);
  const ask = (kind: string, remark: string) =>
    run(() => post<ReviewStanding>(`/api/cases/${desk.caseId}/reviews`, { kind, remark }));
  const askCorrection = (id: string, values: Record<string, string>, reason: string) =>
    run(() => post<ReviewStanding>(`/api/certificates/${id}/correction-reviews`, { values, reason }));
  const read = (id: string) => post<ReviewedCase>(`/api/reviews/${id}/readings`);
  const approve = (id: string) => run(() => post<ReviewRequest>(`/api/reviews/${id}/approval`, {}));
  const decline = (id: string, reason: string) =>
    run(() => post<ReviewRequest>(`/api/reviews/${id}/refusal`, { reason }));
  const withdraw = (id: string) => run(() => post<ReviewRequest>(`/api/reviews/${id}/withdrawal`));

  useLine().on("review.changed", loadSoon);
  // With a call's end nobody waits there any more: lines and boards hear of it.
  for (const news of ["queue.changed", "board.changed"] as const) {
    useLine().on(news, () => {
      if (requests.value.some((one) => one.in_call)) loadSoon();
    });
  }
  // Nothing that was known of another case is said of this one.
  watch(() => desk.caseId, () => (standings.value = []), { flush: "sync" });
  // What is written into the case changes how its review stands, and no list.
  watch(() => [desk.caseId, desk.seq], settled(look));

  return { requests, standings, next, awaited, load, ask, askCorrection, read, approve, decline, withdraw };
});
