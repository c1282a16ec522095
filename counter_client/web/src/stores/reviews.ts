/** What waits for a second clerk before it is issued, and how that stands on the case on the desk. */
import { defineStore } from "pinia";
import { ref, watch } from "vue";
import { calm } from "@/call/rush";
import { get, post } from "@/api/http";
import type { ReviewedCase, ReviewRequest, ReviewStanding } from "@/api/shapes";
import { useDesk } from "./desk";
import { useLine } from "./line";
import { useMe } from "./me";

const SETTLES_IN = 200;
const LOOK_AGAIN_EVERY = 30_000;

export const useReviews = defineStore("reviews", () => {
  const line = useLine();
  const me = useMe();
  const desk = useDesk();
  const requests = ref<ReviewRequest[]>([]);
  /** How reviews stand on the case on the desk, by kind; none where none is ever asked for. */
  const standings = ref<ReviewStanding[]>([]);
  const isLoaded = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function load(): Promise<void> {
    const found = me.isAgent || me.isSupervisor ? await get<{ requests: ReviewRequest[] }>("/api/reviews") : null;
    requests.value = found?.requests ?? [];
    isLoaded.value = true;
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

  /** Several notices of one command make one fetch. */
  function loadSoon(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void calm().then(() => Promise.all([load(), look()])).catch(() => undefined), SETTLES_IN);
  }

  /** Carry a command out; whatever came of it, the lists are as they are on the service. */
  async function run<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } finally {
      loadSoon();
    }
  }

  const ask = (kind: string, remark: string) =>
    run(() => post<ReviewStanding>(`/api/cases/${desk.caseId}/reviews`, { kind, remark }));
  const askCorrection = (id: string, values: Record<string, string>, reason: string) =>
    run(() => post<ReviewStanding>(`/api/certificates/${id}/correction-reviews`, { values, reason }));
  const read = (id: string) => get<ReviewedCase>(`/api/reviews/${id}`);
  const approve = (id: string) => run(() => post<ReviewRequest>(`/api/reviews/${id}/approval`, {}));
  const decline = (id: string, reason: string) =>
    run(() => post<ReviewRequest>(`/api/reviews/${id}/refusal`, { reason }));
  const withdraw = (id: string) => run(() => post<ReviewRequest>(`/api/reviews/${id}/withdrawal`));

  line.on("review.changed", loadSoon);
  line.onUp(loadSoon);
  watch(() => [desk.caseId, desk.seq], loadSoon);
  setInterval(() => {
    if (me.clerk !== null && document.visibilityState === "visible") loadSoon();
  }, LOOK_AGAIN_EVERY);

  return { requests, standings, isLoaded, load, look, ask, askCorrection, read, approve, decline, withdraw };
});
