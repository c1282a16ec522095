/** Who is signed in, and the service's clock. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { ApiError } from "@/api/errors";
import { get, post } from "@/api/http";
import type { Me } from "@/api/shapes";
import { useLine } from "./line";

export const useMe = defineStore("me", () => {
  const me = ref<Me | null>(null);
  /** How far the service's clock is ahead of this machine's, in milliseconds. */
  const ahead = ref(0);
  /** A login has ended in this page: what its stores know is that clerk's. */
  const isSpent = ref(false);
  const line = useLine();

  const clerk = computed(() => me.value?.clerk ?? null);
  const has = (role: string) => clerk.value?.roles.includes(role as never) ?? false;
  const isCounter = computed(() => has("counter"));
  const isAgent = computed(() => has("agent"));
  const isSupervisor = computed(() => has("supervisor"));

  function take(answer: Me): void {
    ahead.value = new Date(answer.server_time).getTime() - Date.now();
    me.value = answer;
  }

  /** Ask who is signed in; ApiError when nobody is. */
  async function load(): Promise<void> {
    take(await get<Me>("/api/me"));
  }

  async function signIn(name: string, password: string): Promise<void> {
    take(await post<Me>("/api/login", { name, password }));
  }

  /** End the login; ApiError when the service did not hear of it: whoever comes next would be me. */
  async function signOut(): Promise<void> {
    try {
      await post("/api/logout");
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    }
    forget();
  }

  /** Nobody is signed in any more. */
  function forget(): void {
    line.close();
    isSpent.value ||= me.value !== null;
    me.value = null;
  }

  /** The service's time now, in milliseconds. */
  const now = () => Date.now() + ahead.value;

  return { me, clerk, isCounter, isAgent, isSupervisor, isSpent, load, signIn, signOut, forget, now };
});
