/** What leads into a call and out of it: offers that ring, calls that start, reloads. */
import { computed, onBeforeUnmount, ref, watch } from "vue";
import { useRoute, useRouter } from "vue-router";
import { ApiError } from "@/api/errors";
import { get } from "@/api/http";
import type { Call } from "@/api/shapes";
import { startRing, stopRing } from "@/features/tickets/ring";
import { useAgent } from "@/stores/agent";
import { useCall } from "@/stores/call";
import { useCases } from "@/stores/cases";
import { useDesk } from "@/stores/desk";
import { useGuests } from "@/stores/guests";
import { useLine } from "@/stores/line";
import { sayFailure, sayHint } from "@/ui/say";
import { useReadiness } from "./readiness";

/** Use it once, in the workbench. */
export function useCallFlow() {
  const agent = useAgent();
  const cases = useCases();
  const call = useCall();
  const desk = useDesk();
  const guests = useGuests();
  const line = useLine();
  const route = useRoute();
  const router = useRouter();
  const accepting = ref(false);

  const wantedCase = computed(() => {
    const id = route.query.case;
    return typeof id === "string" && /^[0-9a-f]{32}$/.test(id) ? id : null;
  });

  function show(caseId: string): void {
    if (wantedCase.value !== caseId) void router.replace({ query: { ...route.query, case: caseId } });
  }

  async function enter(callId: string, caseId: string, known?: Call): Promise<void> {
    show(caseId);
    try {
      await call.join(callId, known);
    } catch (error) {
      call.cancel();
      sayFailure(error);
    }
  }

  async function accept(): Promise<void> {
    if (agent.offer === null || accepting.value) return;
    accepting.value = true;
    stopRing();
    call.prepare();
    try {
      await agent.accept((started) => enter(started.id, started.case_id, started));
    } catch (error) {
      call.cancel();
      sayFailure(error);
    } finally {
      accepting.value = false;
    }
  }

  /** Come into a call as an adviser; what is asked next is asked with it on the screen. */
  async function advise(): Promise<void> {
    if (guests.invitation === null || accepting.value) return;
    accepting.value = true;
    stopRing();
    call.prepare();
    try {
      const joined = await guests.accept();
      if (joined !== null) await enter(joined.id, joined.case_id, joined);
    } catch (error) {
      call.cancel();
      sayFailure(error);
    } finally {
      accepting.value = false;
    }
  }

  /** Whether I have a seat to sit in here: looking on belongs to the board. */
  function isMyPlace(found: Call): boolean {
    const mine = found.seats.find((seat) => seat.id === found.my_seat);
    return found.state !== "ended" && mine !== undefined && mine.side !== "observer";
  }

  /** After a reload: the call that I am in is found again, and with it its case. */
  async function resume(): Promise<void> {
    const callId = agent.agent?.call_id;
    if (!callId || call.isOn) return;
    const found = await get<Call>(`/api/calls/${callId}`);
    if (isMyPlace(found)) await enter(found.id, found.case_id);
  }

  /** After signing in anew: a case of mine that is in a call is opened, and so the call is found. */
  function showTalkedAbout(): void {
    const row = cases.rows.find((one) => one.state === "in_call");
    if (wantedCase.value === null && row !== undefined) show(row.id);
  }
  watch(() => cases.isListed, showTalkedAbout, { immediate: true });

  /** After a reload this tab goes back to its call at once; if that is over, nothing is said. */
  const before = call.remembered();
  const resumed = ref(before?.callId ?? null);
  useReadiness({ accepting, resumed });
  if (before !== null && !call.isOn) {
    show(before.caseId);
    line.onUp(() => {
      if (call.remembered()?.callId === before.callId) void goBack(before.callId);
    });
  }

  /** It is tried again when the line is back; a call that is over is forgotten. */
  async function goBack(callId: string): Promise<void> {
    try {
      const found = await get<Call>(`/api/calls/${callId}`);
      if (isMyPlace(found)) await call.join(callId, found);
      else call.leave();
    } catch (error) {
      if (error instanceof ApiError && error.code === "network.lost") return;
      call.leave();
    }
    resumed.value = null;
  }

  watch(wantedCase, (id) => (id === null ? desk.close() : void desk.open(id)), { immediate: true });

  // The open case has a call with a seat of mine, and I do not sit in it: after a reload, or when
  // the notice of its start was lost.
  watch(
    () => desk.call,
    (found) => {
      if (found === null || !isMyPlace(found)) return;
      if (call.call?.id !== found.id && !accepting.value) void enter(found.id, found.case_id);
    },
  );

  watch(
    () => agent.agent?.call_id,
    () => void resume().catch(() => undefined),
  );

  watch(
    () => agent.offer?.id,
    (id) => {
      if (id === undefined) stopRing();
      else startRing(agent.offer?.item_name ?? "");
    },
    { immediate: true },
  );
  watch(
    () => guests.invitation?.id,
    (id) => {
      if (id === undefined) stopRing();
      else startRing(`会商邀请：${guests.invitation?.item_name ?? ""}`);
    },
    { immediate: true },
  );
  watch(
    () => guests.closed,
    (one) => {
      if (one === null) return;
      guests.closed = null;
      sayClosed(one);
    },
  );
  watch(
    () => call.departed,
    (why) => {
      if (why === "dismissed") sayHint("邀请您的同事已请您离席，通话仍在继续。");
      else if (why === "line") sayHint("您已离开会商，通话仍在继续。");
      call.departed = null;
    },
  );
  watch(
    () => agent.lastClosed,
    (why) => {
      if (why === "missed") sayHint("刚才的来件没有及时接听，已转给下一位。您已转为“暂离”，回来后请切换到“就绪”。");
      else if (why === "withdrawn") sayHint("刚才的来件已由窗口取消。");
      agent.lastClosed = null;
    },
  );

  line.on("call.started", (news) => {
    // Whoever accepts here goes in by the answer of that command.
    if (accepting.value || call.call?.id === news.call_id) return;
    call.prepare();
    void enter(news.call_id, news.case_id, news.call ?? undefined);
  });

  onBeforeUnmount(stopRing);

  return { accepting, accept, advise, show };
}

function sayClosed({ name, state, wasMine }: { name: string; state: string; wasMine: boolean }): void {
  if (wasMine) {
    if (state === "missed") sayHint("刚才的会商邀请没有及时回应。您已转为“暂离”，回来后请切换到“就绪”。");
    else if (state === "withdrawn") sayHint("刚才的会商邀请已撤回。");
  } else if (state === "declined") sayHint(`${name}谢绝了会商邀请，可邀请其他同事。`);
  else if (state === "missed") sayHint(`${name}没有回应会商邀请，可邀请其他同事。`);
}
