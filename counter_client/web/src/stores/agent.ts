/** What I am to the queue, the offer before me, and the line of my jurisdiction. */
import { defineStore } from "pinia";
import { ref } from "vue";
import { get, post, put } from "@/api/http";
import type { Agent, Call, Offer, Queue } from "@/api/shapes";
import { calm } from "@/call/rush";
import { useLine } from "./line";
import { useMe } from "./me";

// An offer rings for 20 s only, so a lost notice of one must not wait for longer.
const LOOK_AGAIN_EVERY = 15_000;
const QUEUE_EVERY = 4;

export const useAgent = defineStore("agent", () => {
  const line = useLine();
  const me = useMe();
  const agent = ref<Agent | null>(null);
  const offer = ref<Offer | null>(null);
  const queue = ref<Queue | null>(null);
  /** Why the last offer went away without us, in the protocol's word. */
  const lastClosed = ref<string | null>(null);
  let looks = 0;
  const closedOffers = new Set<string>();

  function take(found: Agent): void {
    agent.value = found;
    const isOver = found.offer !== null && closedOffers.has(found.offer.id);
    offer.value = isOver ? null : (found.offer ?? null);
  }

  async function load(): Promise<void> {
    if (me.isAgent) take(await get<Agent>("/api/agent"));
  }

  async function loadQueue(): Promise<void> {
    if (me.isAgent || me.isSupervisor) queue.value = await get<Queue>("/api/queue");
  }

  async function setState(state: "ready" | "break" | "offline", reason = ""): Promise<void> {
    take(await put<Agent>("/api/agent/state", { state, reason }));
  }

  /** Accept what rings; `enter` begins its call before anything of it is drawn. */
  async function accept(enter: (started: Call) => Promise<void>): Promise<void> {
    const asked = offer.value;
    if (asked === null) return;
    let entering: Promise<void> | undefined;
    try {
      entering = enter(await post<Call>(`/api/offers/${asked.id}/acceptance`));
    } finally {
      end(asked.id);
      quietly(calm().then(load));
    }
    await entering;
  }

  async function decline(reason: string): Promise<void> {
    const asked = offer.value;
    if (asked === null) return;
    try {
      take(await post<Agent>(`/api/offers/${asked.id}/refusal`, { reason }));
    } finally {
      end(asked.id);
    }
  }

  function end(offerId: string): void {
    closedOffers.add(offerId);
    if (offer.value?.id === offerId) offer.value = null;
  }

  const quietly = (work: Promise<unknown>) => void work.catch(() => undefined);

  line.on("offer.made", (made) => {
    // A notice may come late: of an offer that we know to be over there is nothing to ring for.
    if (!closedOffers.has(made.id)) offer.value = made;
  });
  line.on("offer.closed", ({ id, why }) => {
    if (offer.value?.id === id) lastClosed.value = why;
    end(id);
  });
  line.on("agent.changed", () => quietly(calm().then(load)));
  line.on("queue.changed", async (news) => {
    await calm();
    if (news.version !== queue.value?.version) quietly(loadQueue());
  });
  line.onUp(() => {
    quietly(load());
    quietly(loadQueue());
  });
  setInterval(() => {
    if (me.clerk === null) return;
    quietly(load());
    looks += 1;
    if (looks % QUEUE_EVERY === 0) quietly(loadQueue());
  }, LOOK_AGAIN_EVERY);

  return { agent, offer, queue, lastClosed, load, loadQueue, setState, accept, decline };
});
