/** What was written in my call while another case lay on the desk: there its panel does not stand. */
import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import { useCall } from "./call";
import { useDesk } from "./desk";
import { useLine } from "./line";

export const useMissedRemarks = defineStore("remarks", () => {
  const call = useCall();
  const desk = useDesk();
  const missed = ref(0);
  /** One piece of news may come by two ways. */
  let last = 0;
  /** The case that is spoken of, while another one lies here. */
  const away = computed(() => {
    const id = call.isOn ? call.call?.case_id : undefined;
    return id === desk.caseId ? undefined : id;
  });

  watch(away, () => (missed.value = last = 0), { flush: "sync" });
  useLine().on("case.changed", ({ case_id, kind, seq }) => {
    if (kind !== "chat.said" || case_id !== away.value || seq <= last) return;
    last = seq;
    missed.value += 1;
  });

  return { missed };
});
