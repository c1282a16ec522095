/** What waits because a certificate should count no more: requests to decide on, halls to answer. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { calm } from "@/call/rush";
import { create, get, post } from "@/api/http";
import type { Certificate, Outcome, Recall, RevocationRequest } from "@/api/shapes";
import { useLine } from "./line";
import { useMe } from "./me";

const SETTLES_IN = 200;
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
  let timer: ReturnType<typeof setTimeout> | undefined;

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

  /** Several notices of one command make one fetch. */
  function loadSoon(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void calm().then(load).catch(() => undefined), SETTLES_IN);
  }

  /** Carry a command out; whatever came of it, the lists are as they are on the service. */
  async function run<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } finally {
      loadSoon();
    }
  }

  const approve = (id: string) => run(() => post<Certificate>(`/api/revocations/${id}/approval`));
  const decline = (id: string, reason: string) =>
    run(() => post<Certificate>(`/api/revocations/${id}/refusal`, { reason }));
  const withdraw = (id: string) => run(() => post<Certificate>(`/api/revocations/${id}/withdrawal`));
  const acknowledge = (id: string, outcome: Outcome, remark: string) =>
    run(() => create<Recall>(`/api/recalls/${id}/acknowledgement`, { outcome, remark }));

  line.on("revocation.changed", loadSoon);
  line.on("recall.changed", loadSoon);
  line.onUp(loadSoon);
  setInterval(() => {
    if (me.clerk !== null && document.visibilityState === "visible") loadSoon();
  }, LOOK_AGAIN_EVERY);

  return { requests, recalls, mine, isLoaded, load, approve, decline, withdraw, acknowledge };
});
