/** Who is asked into calls, by me and with me; and looking on at a call. */
import { defineStore } from "pinia";
import { ref } from "vue";
import { ApiError } from "@/api/errors";
import { create, get, post } from "@/api/http";
import type { Call, Colleague, Invitation } from "@/api/shapes";
import { useLine } from "./line";
import { useMe } from "./me";

// An invitation rings for 30 s, so a lost notice of one must not wait for longer.
const LOOK_AGAIN_EVERY = 15_000;

export const useGuests = defineStore("guests", () => {
  const line = useLine();
  const me = useMe();
  /** What I am asked into now. */
  const invitation = ref<Invitation | null>(null);
  /** The last invitation that came to an end, whether I made it or was asked. */
  const closed = ref<{ name: string; state: string; wasMine: boolean } | null>(null);
  const over = new Set<string>();

  function take(found: Invitation | null): void {
    invitation.value = found !== null && over.has(found.id) ? null : found;
  }

  async function load(): Promise<void> {
    if (me.isAgent) take(await get<Invitation | null>("/api/invitation"));
  }

  function end(id: string): void {
    over.add(id);
    if (invitation.value?.id === id) invitation.value = null;
  }

  async function accept(): Promise<Call | null> {
    const asked = invitation.value;
    if (asked === null) return null;
    return answer(asked.id, () => post<Call>(`/api/invitations/${asked.id}/acceptance`));
  }

  async function decline(reason: string): Promise<void> {
    const asked = invitation.value;
    if (asked === null) return;
    await answer(asked.id, () => post(`/api/invitations/${asked.id}/refusal`, { reason }));
  }

  /** An answer that may not have arrived can be given again: the invitation rings on. */
  async function answer<T>(id: string, give: () => Promise<T>): Promise<T> {
    try {
      const given = await give();
      end(id);
      return given;
    } catch (error) {
      if (!(error instanceof ApiError && error.isUnknown)) end(id);
      throw error;
    }
  }

  async function colleagues(callId: string): Promise<Colleague[]> {
    return (await get<{ colleagues: Colleague[] }>(`/api/calls/${callId}/colleagues`)).colleagues;
  }

  const invite = (callId: string, clerkId: string) =>
    create<Invitation>(`/api/calls/${callId}/invitations`, { clerk_id: clerkId });
  const withdraw = (id: string) => post(`/api/invitations/${id}/withdrawal`);
  const dismiss = (callId: string, seatId: string) =>
    post<Call>(`/api/calls/${callId}/seats/${seatId}/dismissal`);
  const observe = (callId: string) => post<Call>(`/api/calls/${callId}/observation`);

  line.on("invitation.made", (made) => take(made));
  line.on("invitation.closed", ({ id, clerk_name: name, state }) => {
    const wasMine = invitation.value?.id === id;
    closed.value = { name, state, wasMine };
    end(id);
  });
  line.onUp(() => void load().catch(() => undefined));
  setInterval(() => void load().catch(() => undefined), LOOK_AGAIN_EVERY);

  return { invitation, closed, load, accept, decline, colleagues, invite, withdraw, dismiss, observe };
});
