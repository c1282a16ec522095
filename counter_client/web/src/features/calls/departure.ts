/** Leaving a call that goes on without me. */
import { type Ref, ref } from "vue";
import { useCall } from "@/stores/call";
import { sayFailure } from "@/ui/say";

export function useDeparture(): { isLeaving: Ref<boolean>; depart: () => Promise<void> } {
  const call = useCall();
  const isLeaving = ref(false);

  async function depart(): Promise<void> {
    isLeaving.value = true;
    try {
      await call.depart();
    } catch (error) {
      sayFailure(error);
    } finally {
      isLeaving.value = false;
    }
  }

  return { isLeaving, depart };
}
