/** The service's time, ticking once a second for whatever counts. */
import { useIntervalFn } from "@vueuse/core";
import { type Ref, ref } from "vue";
import { useMe } from "@/stores/me";

export function useNow(every = 1_000): Ref<number> {
  const me = useMe();
  const now = ref(me.now());
  useIntervalFn(() => {
    now.value = me.now();
  }, every);
  return now;
}
