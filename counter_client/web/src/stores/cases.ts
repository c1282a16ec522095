/** The list of my cases, newest first; the open one is kept by stores/desk.ts. */
import { defineStore } from "pinia";
import { ref } from "vue";
import { get } from "@/api/http";
import type { CaseList, CaseRow } from "@/api/shapes";
import { calm } from "@/call/rush";
import { useLine } from "./line";
import { useMe } from "./me";

const SETTLES_IN = 400;
const LOOK_AGAIN_EVERY = 60_000;

export const useCases = defineStore("cases", () => {
  const line = useLine();
  const me = useMe();
  const rows = ref<CaseRow[]>([]);
  const more = ref(false);
  /** Whether the list was fetched at all: only then is an empty one really empty. */
  const isListed = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

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

  /** Fetch the list in a moment: several notices of one command make one fetch. */
  function listSoon(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void calm().then(list).catch(() => undefined), SETTLES_IN);
  }

  function forget(): void {
    clearTimeout(timer);
    rows.value = [];
    more.value = false;
    isListed.value = false;
  }

  line.on("case.changed", listSoon);
  line.onUp(listSoon);
  setInterval(() => {
    if (me.clerk !== null && document.visibilityState === "visible") listSoon();
  }, LOOK_AGAIN_EVERY);

  return { rows, more, isListed, list, listMore, listSoon, forget };
});
