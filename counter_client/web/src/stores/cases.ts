/** The list of my cases, newest first; the open one is kept by stores/desk.ts. */
import { defineStore } from "pinia";
import { ref } from "vue";
import { get } from "@/api/http";
import type { CaseList, CaseRow } from "@/api/shapes";
import { keepFresh } from "./fresh";
import { useLine } from "./line";

const SETTLES_IN = 400;
const LOOK_AGAIN_EVERY = 60_000;

export const useCases = defineStore("cases", () => {
  const rows = ref<CaseRow[]>([]);
  const more = ref(false);
  /** Whether the list was fetched at all: only then is an empty one really empty. */
  const isListed = ref(false);

  /** Fetch the newest page; older ones that were asked for stay. */
  async function list(): Promise<void> {
    const found = await get<CaseList>("/api/cases?scope=mine");
    const oldest = found.cases.at(-1)?.opened_at;
    const older = rows.value.filter((row) => oldest !== undefined && row.opened_at < oldest);
    rows.value = [...found.cases, ...older];
    if (older.length === 0) more.value = found.more;
    isListed.value = true;
  }

  async function listMore(): Promise<void> {
    const last = rows.value.at(-1);
    if (last === undefined) return;
    const before = encodeURIComponent(last.opened_at);
    const found = await get<CaseList>(`/api/cases?scope=mine&before=${before}`);
    const known = new Set(rows.value.map((row) => row.id));
    rows.value = [...rows.value, ...found.cases.filter((row) => !known.has(row.id))];
    more.value = found.more;
  }

  const { soon: listSoon } = keepFresh(list, LOOK_AGAIN_EVERY, SETTLES_IN);
  useLine().on("case.changed", listSoon);

  return { rows, more, isListed, list, listMore, listSoon };
});
