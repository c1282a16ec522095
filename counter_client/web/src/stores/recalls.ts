/** What waits because a certificate should count no more: requests to decide on, halls to answer. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { create, get, post } from "@/api/http";
import type { Certificate, Outcome, Recall, RevocationRequest } from "@/api/shapes";
import { keepFresh } from "./fresh";
import { useLine } from "./line";
import { useMe } from "./me";

const LOOK_AGAIN_EVERY = 60_000;

export const useRecalls = defineStore("recalls", () => {
  const line = useLine();
  const me = useMe();
  const requests = ref<RevocationRequest[]>([]);
  const recalls = ref<Recall[]>([]);
  /** Whether the lists were ever read: before, that they are empty says nothing. */
  const isLoaded = ref(false);
  /** What this clerk's own hall has to answer. */
  const mine = computed(() =>
    me.isCounter ? recalls.value.filter((one) => one.hall === me.clerk?.hall) : [],
  );

  /** Fetch both lists; who has no part in one has it empty. */
  async function load(): Promise<void> {
    const [asked, told] = await Promise.all([
      me.isAgent || me.isSupervisor ? get<{ requests: RevocationRequest[] }>("/api/revocations") : null,
      me.isAgent || me.isSupervisor || me.isCounter ? get<{ recalls: Recall[] }>("/api/recalls") : null,
    ]);
    requests.value = asked?.requests ?? [];
    recalls.value = told?.recalls ?? [];
    isLoaded.value = true;
  }

  const { soon, run } = keepFresh(load, LOOK_AGAIN_EVERY);
  const approve = (id: string) => run(() => post<Certificate>(`/api/revocations/${id}/approval`));
  const decline = (id: string, reason: string) =>
    run(() => post<Certificate>(`/api/revocations/${id}/refusal`, { reason }));
  const withdraw = (id: string) => run(() => post<Certificate>(`/api/revocations/${id}/withdrawal`));
  const acknowledge = (id: string, outcome: Outcome, remark: string) =>
    run(() => create<Recall>(`/api/recalls/${id}/acknowledgement`, { outcome, remark }));

  line.on("revocation.changed", soon);
  line.on("recall.changed", soon);

  return { requests, recalls, mine, isLoaded, load, approve, decline, withdraw, acknowledge };
});
