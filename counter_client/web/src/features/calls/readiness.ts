/** Ready before the ring: the leg and the camera are there when a call begins, and not for longer. */
import { computed, onBeforeUnmount, type Ref, watch } from "vue";
import type { Near } from "@/api/notices";
import { calm } from "@/call/rush";
import { useAgent } from "@/stores/agent";
import { useCall } from "@/stores/call";
import { useCheck } from "@/stores/check";
import { useCases } from "@/stores/cases";
import { useDesk } from "@/stores/desk";
import { useGuests } from "@/stores/guests";
import { useMe } from "@/stores/me";
import { useMedia } from "@/stores/media";
import { useRelay } from "@/stores/relay";

/** Agents who get offers now or soon. */
const AT_WORK = ["ready", "offered", "on_call", "wrap_up"];

export interface Readiness {
  /** An offer is being accepted. */
  accepting: Ref<boolean>;
  /** The call that this tab goes back to after it was loaded anew. */
  resumed: Ref<string | null>;
}

/** Use it once, in the workbench. */
export function useReadiness({ accepting, resumed }: Readiness): void {
  const agent = useAgent();
  const call = useCall();
  const cases = useCases();
  const check = useCheck();
  const desk = useDesk();
  const guests = useGuests();
  const me = useMe();
  const media = useMedia();
  const relay = useRelay();

  const isInLine = computed(
    () => desk.shown?.state === "waiting" && me.isCounter && desk.shown.side !== "jurisdiction",
  );
  /** The case that this counter waits with: the one on the desk, or any other of its clerk's. */
  const waitingCase = computed(() => {
    if (isInLine.value) return desk.shown?.id;
    return me.isCounter ? cases.rows.find((row) => row.state === "waiting")?.id : undefined;
  });
  const near = computed<Near | undefined>(() => {
    if (call.isLost) return undefined;
    if (call.call !== null) return { call_id: call.call.id };
    if (resumed.value !== null) return { call_id: resumed.value };
    if (agent.offer !== null) return { offer_id: agent.offer.id };
    if (guests.invitation !== null) return { call_id: guests.invitation.call_id };
    if (waitingCase.value !== undefined) return { case_id: waitingCase.value };
    const isAtWork = AT_WORK.includes(agent.agent?.state ?? "offline");
    return isAtWork || check.isOpen ? null : undefined;
  });
  let isGone = false;
  // Another object is not yet another aim; what lies between an offer and its call is none.
  watch(
    () => JSON.stringify(near.value),
    () => void calm().then(() => isGone || relay.want(near.value)),
    { immediate: true },
  );

  /** Cameras take up to two seconds, so they open when a call is near; nothing is sent before. */
  const nearsCall = computed(
    () =>
      call.isOn || call.isJoining || accepting.value || agent.offer !== null || isInLine.value ||
      check.isOpen || guests.invitation !== null,
  );
  watch(
    nearsCall,
    (isNear) => {
      if (isNear && !call.isLost) void media.open();
      else if (!isNear) media.close();
    },
    { immediate: true },
  );

  onBeforeUnmount(() => {
    isGone = true;
    media.close();
    relay.want(undefined);
  });
}
