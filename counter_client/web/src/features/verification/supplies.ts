/** The lists on this device, brought up to date whenever there is a network. */
import { useEventListener } from "@vueuse/core";
import { onMounted, ref, shallowRef } from "vue";
import { registerWorker } from "@/offline/install";
import type { Supplies } from "@/offline/visit";

/** A page that is looked at again after so long is another visit. */
const VISIT = 10 * 60_000;

export function useSupplies() {
  const supplies = shallowRef<Supplies | null>(null);
  /** Whether the page opens without network; null while that is not known. */
  const opens = ref<boolean | null>(null);
  const isBringing = ref(false);
  let last = 0;

  async function bring(): Promise<void> {
    if (isBringing.value) return;
    isBringing.value = true;
    last = Date.now();
    try {
      const { keptShelf, bringLists } = await import("@/offline");
      supplies.value = await bringLists(await keptShelf(), Date.now);
    } catch {
      // Not even the part that verifies came: there is no network, and there was none before.
      supplies.value = { state: "none" };
    } finally {
      isBringing.value = false;
    }
  }

  /** Forget what is kept, its root too, and fetch it as at the first visit. */
  async function beginAnew(): Promise<void> {
    const { keptShelf } = await import("@/offline");
    await (await keptShelf()).forget();
    await bring();
  }

  onMounted(() => {
    void registerWorker().then((done) => (opens.value = done));
    void bring();
  });
  useEventListener(window, "online", bring);
  useEventListener(document, "visibilitychange", () => {
    if (!document.hidden && Date.now() - last >= VISIT) void bring();
  });
  return { supplies, opens, isBringing, bring, beginAnew };
}
