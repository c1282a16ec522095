/** The case on the desk: the one the right column shows, kept right by its log. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { ApiError } from "@/api/errors";
import { get, patch } from "@/api/http";
import type {
  Call, Case, Certificate, Event, EventList, Field, Item, Settlement, Ticket,
} from "@/api/shapes";
import { calm, inTurn } from "@/call/rush";
import { useCatalogue } from "./catalogue";
import { useLine } from "./line";
import { useMe } from "./me";
import { createVerbs } from "./verbs";

const ASK_EVERY = 15_000;
const FLASH_FOR = 2_500;
const EDITING_LASTS = 20_000;
const PAGE = 500;

/** Who is typing in a field. */
export interface Editor {
  id: string;
  name: string;
  until: number;
}

export const useDesk = defineStore("desk", () => {
  const line = useLine();
  const mine = useMe();
  const catalogue = useCatalogue();

  const me = computed(() => mine.clerk);
  const shown = ref<Case | null>(null);
  const item = shallowRef<Item | null>(null);
  const events = shallowRef<Event[]>([]);
  const certificates = ref<Certificate[]>([]);
  const settlement = ref<Settlement | null>(null);
  const ticket = ref<Ticket | null>(null);
  const call = ref<Call | null>(null);
  const editors = ref<Record<string, Editor>>({});
  /** Fields that the other side has just changed, with the event that did it. */
  const flashing = ref<Record<string, number>>({});
  const loading = ref(false);
  const failure = ref<unknown>(null);

  /** The case that is wanted on the desk; answers about another one come too late. */
  let wanted = "";
  /** How often what stands beside a case was asked for, and which of the answers is shown. */
  let asked = 0;
  let taken = 0;

  const caseId = computed(() => shown.value?.id ?? null);
  const seq = computed(() => events.value.at(-1)?.seq ?? 0);
  /** Whether I sit in the case's call as one of its two halls: guests only look and advise. */
  const holdsSeat = computed(() => {
    const mine = call.value?.seats.find((seat) => seat.id === call.value?.my_seat);
    return mine?.side === "local" || mine?.side === "remote";
  });
  const path = (rest = "") => `/api/cases/${wanted}${rest}`;

  /** Put a case on the desk in place of the one that lies there. */
  async function open(id: string): Promise<void> {
    if (id === wanted && shown.value !== null) return catchUp();
    close();
    wanted = id;
    loading.value = true;
    await calm();
    if (wanted !== id) return;
    try {
      const [found] = await Promise.all([get<Case>(path()), catalogue.load()]);
      if (wanted !== id) return;
      item.value = catalogue.itemOf(found.item.code, found.item.version) ?? null;
      shown.value = found;
      line.hint("case.watched", { case_id: id });
      await Promise.all([readLog(id), readAround(found)]);
    } catch (error) {
      if (wanted === id) failure.value = error;
    } finally {
      if (wanted === id) loading.value = false;
    }
    // The watch began after the case was read: what happened in between is asked for.
    if (wanted === id && failure.value === null) await catchUp();
  }

  /** Clear the desk. */
  function close(): void {
    if (shown.value !== null) line.hint("case.unwatched", { case_id: shown.value.id });
    wanted = "";
    loading.value = false;
    failure.value = shown.value = item.value = null;
    settlement.value = ticket.value = call.value = null;
    events.value = [];
    certificates.value = [];
    editors.value = {};
    flashing.value = {};
  }

  /** Ask for what has happened since the last known event; one question at a time. */
  const catchUp = inTurn(async () => {
    await calm();
    try {
      if (shown.value !== null) await catchUpOnce(wanted);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // A lost line is said by the top bar; a case that we may no longer read is said here.
      if (error.code === "case.unknown") failure.value = error;
    }
  });

  async function catchUpOnce(id: string): Promise<void> {
    const before = seq.value;
    await readLog(id);
    const fresh = events.value.filter((event) => event.seq > before);
    if (id !== wanted || shown.value === null || fresh.length === 0) return;
    if (fresh.every((event) => event.kind === "field.changed" || event.kind === "recording.chunk")) {
      for (const event of fresh) {
        if (event.kind === "field.changed") takeField(event.data as unknown as Field);
      }
      return;
    }
    const found = await get<Case>(`/api/cases/${id}`);
    if (id !== wanted) return;
    shown.value = found;
    await readAround(found);
  }

  async function readLog(id: string): Promise<void> {
    const first = events.value.length === 0;
    for (;;) {
      const page = await get<EventList>(`/api/cases/${id}/events?after=${seq.value}`);
      if (id !== wanted) return;
      const fresh = page.events.filter((event) => event.seq > seq.value);
      if (!first) fresh.forEach(flash);
      events.value = [...events.value, ...fresh];
      if (page.events.length < PAGE) return;
    }
  }

  /** What stands beside the case: its place in the line, its call, its certificates. */
  async function readAround({ id, state }: Case): Promise<void> {
    const mine = (asked += 1);
    const [place, live, issued, settled] = await Promise.all([
      state === "waiting" ? get<Ticket | null>(`/api/cases/${id}/ticket`) : null,
      get<Call | null>(`/api/cases/${id}/call`),
      // A case that is open again still has the certificate that was revoked.
      state === "draft" ? null : get<{ certificates: Certificate[] }>(`/api/cases/${id}/certificates`),
      state === "settled" ? get<Settlement | null>(`/api/cases/${id}/settlement`) : null,
    ]);
    // Of two that were asked for at once, the answers to the earlier one may come last.
    if (id !== wanted || mine < taken) return;
    taken = mine;
    ticket.value = place;
    call.value = live;
    certificates.value = issued?.certificates ?? [];
    settlement.value = settled;
  }

  /** Show for a moment that somebody else has changed a field. */
  function flash(event: Event): void {
    const name = event.data.name;
    if (event.kind !== "field.changed" || typeof name !== "string") return;
    if (event.actor.id === me.value?.id) return;
    flashing.value = { ...flashing.value, [name]: event.seq };
    setTimeout(() => {
      if (flashing.value[name] === event.seq) flashing.value = without(flashing.value, name);
    }, FLASH_FOR);
  }

  function takeField({ name, value, masked, version, by, at }: Field): void {
    const fields = shown.value?.fields;
    const place = fields?.findIndex((known) => known.name === name) ?? -1;
    if (!fields || place < 0 || fields[place]!.version >= version) return;
    fields[place] = { name, value, masked, version, by, at };
    editors.value = without(editors.value, name);
  }

  /**
   * Write a field of the case it was typed in, which may lie on the desk no more; a stale version is
   * refused with `field.stale` and both values.
   */
  async function saveField(id: string, name: string, value: string, version: number): Promise<Field> {
    const field = await patch<Field>(`/api/cases/${id}/fields/${name}`, { value, version });
    if (id === wanted) takeField(field);
    void catchUp();
    return field;
  }

  /** Tell the others whether somebody is typing here. */
  function sayEditing(name: string, editing: boolean): void {
    if (wanted) line.hint("field.edited", { case_id: wanted, name, editing });
  }

  async function command<T>(carryOut: () => Promise<T>): Promise<T> {
    const answer = await carryOut();
    await catchUp();
    return answer;
  }

  const readAgain = inTurn(async () => {
    await calm();
    if (shown.value !== null) await readAround(shown.value).catch(() => undefined);
  });

  line.on("case.changed", (news) => {
    if (news.case_id === wanted && news.seq > seq.value) void catchUp();
  });
  line.on("ticket.moved", (news) => {
    if (news.case_id === wanted) void readAgain();
  });
  for (const event of ["call.started", "call.changed", "call.ended", "certificate.signed"] as const) {
    line.on(event, (news) => {
      if (news.case_id === wanted) void readAgain();
    });
  }
  line.on("field.edited", ({ case_id, name, editing, by }) => {
    if (case_id !== wanted || by.id === me.value?.id) return;
    const until = Date.now() + EDITING_LASTS;
    const others = without(editors.value, name);
    editors.value = editing ? { ...others, [name]: { ...by, until } } : others;
  });
  line.onUp(() => {
    if (shown.value === null) return;
    line.hint("case.watched", { case_id: shown.value.id });
    void catchUp();
  });
  setInterval(() => {
    if (me.value === null || shown.value === null) return;
    void catchUp();
    const current = Object.entries(editors.value).filter(([, who]) => who.until > Date.now());
    editors.value = Object.fromEntries(current);
  }, ASK_EVERY);

  return {
    me, shown, item, events, certificates, settlement, ticket, call, editors, flashing, loading,
    failure, caseId, seq, holdsSeat,
    open, close, catchUp, saveField, sayEditing,
    ...createVerbs(path, command),
  };
});

function without<T>(known: Record<string, T>, name: string): Record<string, T> {
  const { [name]: _gone, ...others } = known;
  return others;
}
