/** What is typed into the case's form and not saved: no step may be taken over it unseen. */
import { defineStore } from "pinia";
import { computed, shallowReactive } from "vue";
import type { Saving } from "@/features/cases/saving";

type Draft = Pick<Saving, "state" | "settle">;

export const useDrafts = defineStore("drafts", () => {
  const drafts = shallowReactive(new Map<string, Draft>());

  /** The fields whose text stands on the screen and, refused or overtaken, not in the case. */
  const refused = computed(() =>
    [...drafts].filter(([, { state }]) => state.value === "failed" || state.value === "conflict").map(([name]) => name),
  );

  /** Keep an eye on a field's text until what is returned is called. */
  function watch(name: string, draft: Draft): () => void {
    drafts.set(name, draft);
    return () => {
      if (drafts.get(name) === draft) drafts.delete(name);
    };
  }

  /** Have everything saved that can be. */
  async function settle(): Promise<void> {
    await Promise.all([...drafts.values()].map((draft) => draft.settle()));
  }

  return { refused, watch, settle };
});
