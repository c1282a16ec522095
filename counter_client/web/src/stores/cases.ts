/** The list of my cases, newest first; the open one is kept by stores/desk.ts. */
import { defineStore } from "pinia";
import { ref } from "vue";
import { get } from "@/api/http";
import type { CaseList, CaseRow } from "@/api/shapes";
import { inTurn } from "@/call/rush";
import { keepFresh } from "./fresh";
import { useLine } from "./line";

const SETTLES_IN = 400;
const LOOK_AGAIN_EVERY = 60_000;
/** What a row of the list shows nothing of. */
const UNSEEN = ["field.changed", "recording.chunk"];

export const useCases = defineStore("cases", () => {
  const rows = ref<CaseRow[]>([]);
  const more = ref(false);
  /** Whether the list was fetched at all: only then is an empty one really empty. */
  const isListed = ref(false);
  /** Those that are settled, refused or withdrawn are left out. */
  const onlyOpen = ref(false);
  /** As many pages were asked for: older rows change as well, so all of them are fetched anew. */
  let pages = 1;

  /** Fetch what is shown; an answer to another wish than the last one comes too late. */
  const list = inTurn(async () => {
    const asked = onlyOpen.value;
    const found: CaseRow[] = [];
    let page: CaseList;
    let read = 0;
    do {
      page = await get<CaseList>(addressOf(asked, found.at(-1)));
      found.push(...page.cases);
      read += 1;
    } while (page.more && read < pages);
    if (asked !== onlyOpen.value) return;
    rows.value = found;
    more.value = page.more;
    isListed.value = true;
  });

  async function listMore(): Promise<void> {
    pages += 1;
    try {
      await list();
    } catch (error) {
      pages -= 1;
      throw error;
    }
  }

  async function showOnlyOpen(on: boolean): Promise<void> {
    onlyOpen.value = on;
    pages = 1;
    try {
      await list();
    } catch (error) {
      // What is listed is still the other choice.
      onlyOpen.value = !on;
      throw error;
    }
  }

  const { soon: listSoon } = keepFresh(list, LOOK_AGAIN_EVERY, SETTLES_IN);
  useLine().on("case.changed", ({ kind }) => {
    if (!UNSEEN.includes(kind)) listSoon();
  });

  return { rows, more, isListed, onlyOpen, list, listMore, showOnlyOpen, listSoon };
});

function addressOf(onlyOpen: boolean, last: CaseRow | undefined): string {
  const query = new URLSearchParams({ scope: "mine" });
  if (onlyOpen) query.set("open", "true");
  if (last !== undefined) query.set("before", last.opened_at);
  return `/api/cases?${query}`;
}
