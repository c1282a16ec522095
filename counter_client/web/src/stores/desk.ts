/** The case on the desk: the one the right column shows, kept right by its log. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { ApiError } from "@/api/errors";
import { create, get, patch, post, upload } from "@/api/http";
import type { Line } from "@/api/socket";
import type {
  Call,
  Case,
  Certificate,
  CheckKind,
  Clerk,
  Consent,
  Event,
  EventList,
  Field,
  Item,
  Material,
  Origin,
  Settlement,
  Ticket,
  Verdict,
} from "@/api/shapes";

const ASK_EVERY = 15_000;
const FLASH_FOR = 2_500;
const PAGE = 500;

export interface Editor {
  id: string;
  name: string;
}

export const useDesk = defineStore("desk", () => {
  const me = shallowRef<Clerk | null>(null);
  const now = ref<Case | null>(null);
  const item = shallowRef<Item | null>(null);
  const events = ref<Event[]>([]);
  const certificates = ref<Certificate[]>([]);
  const settlement = ref<Settlement | null>(null);
  const ticket = ref<Ticket | null>(null);
  const call = ref<Call | null>(null);
  const editors = ref<Record<string, Editor>>({});
  const flashing = ref<Record<string, number>>({});
  const loading = ref(false);
  const failure = ref<unknown>(null);

  let line: Line | null = null;
  let wanted = "";
  let timer: ReturnType<typeof setInterval> | undefined;
  let catching: Promise<void> | null = null;
  let again = false;

  const caseId = computed(() => now.value?.id ?? null);
  const seq = computed(() => events.value.at(-1)?.seq ?? 0);
  const holdsSeat = computed(() => call.value !== null && call.value.my_seat !== null);

  /** Hear the news by this line from now on; `clerk` is who sits here. */
  function attach(to: Line, clerk: Clerk): void {
    me.value = clerk;
    if (line === to) return;
    line = to;
    to.onState((state) => {
      if (state === "up" && wanted) void watch();
    });
    to.on("case.changed", (news) => {
      if (news.case_id === wanted && news.seq > seq.value) void catchUp();
    });
    to.on("ticket.moved", (news) => {
      if (news.case_id === wanted) void readTicket();
    });
    for (const notice of ["call.started", "call.changed", "call.ended"] as const) {
      to.on(notice, (news) => {
        if (news.case_id === wanted) void readCall();
      });
    }
    to.on("field.edited", (news) => {
      if (news.case_id !== wanted || news.by.id === me.value?.id) return;
      const { [news.name]: _gone, ...others } = editors.value;
      editors.value = news.editing ? { ...others, [news.name]: news.by } : others;
    });
  }

  /** Put a case on the desk in place of the one that lies there. */
  async function open(id: string): Promise<void> {
    if (id === wanted && now.value !== null) return catchUp();
    close();
    wanted = id;
    loading.value = true;
    try {
      const found = await get<Case>(`/api/cases/${id}`);
      const items = await get<{ items: Item[] }>("/api/items");
      if (wanted !== id) return;
      item.value =
        items.items.find(
          (one) => one.code === found.item.code && one.version === found.item.version,
        ) ?? null;
      now.value = found;
      await Promise.all([readLog(id), readRest(found)]);
      void watch();
      timer = setInterval(() => void catchUp(), ASK_EVERY);
    } catch (error) {
      if (wanted === id) failure.value = error;
    } finally {
      if (wanted === id) loading.value = false;
    }
  }

  /** Clear the desk. */
  function close(): void {
    if (wanted && line?.isUp) line.send("case.unwatched", { case_id: wanted }).catch(() => undefined);
    clearInterval(timer);
    wanted = "";
    loading.value = false;
    failure.value = now.value = item.value = settlement.value = ticket.value = call.value = null;
    events.value = [];
    certificates.value = [];
    editors.value = {};
    flashing.value = {};
  }

  async function watch(): Promise<void> {
    try {
      if (line?.isUp) await line.send("case.watched", { case_id: wanted });
    } catch (error) {
      // What is lost here is caught up with at the next reconnection, and every 15 s.
      if (!(error instanceof ApiError)) throw error;
    }
    await catchUp();
  }

  /** Ask for what has happened since the last known event; one question at a time. */
  function catchUp(): Promise<void> {
    again = true;
    catching ??= (async () => {
      try {
        while (again && wanted) {
          again = false;
          await catchUpOnce(wanted);
        }
      } catch (error) {
        if (error instanceof ApiError && error.code === "case.unknown") failure.value = error;
        else if (!(error instanceof ApiError)) throw error;
      } finally {
        catching = null;
      }
    })();
    return catching;
  }

  async function catchUpOnce(id: string): Promise<void> {
    const before = seq.value;
    await readLog(id);
    if (id !== wanted || now.value === null || seq.value === before) return;
    const found = await get<Case>(`/api/cases/${id}`);
    if (id !== wanted) return;
    now.value = found;
    await readRest(found);
  }

  async function readLog(id: string): Promise<void> {
    for (;;) {
      const first = events.value.length === 0;
      const page = await get<EventList>(`/api/cases/${id}/events?after=${seq.value}`);
      if (id !== wanted) return;
      const fresh = page.events.filter((event) => event.seq > seq.value);
      if (!first) fresh.forEach(flash);
      events.value = [...events.value, ...fresh];
      if (page.events.length < PAGE) return;
    }
  }

  async function readRest(found: Case): Promise<void> {
    const issued = found.state === "certified" || found.state === "settled";
    await Promise.all([
      readTicket(),
      readCall(),
      issued ? readCertificates(found.id) : undefined,
      found.state === "settled" ? readSettlement(found.id) : undefined,
    ]);
  }

  async function readCertificates(id: string): Promise<void> {
    const found = await get<{ certificates: Certificate[] }>(`/api/cases/${id}/certificates`);
    if (id === wanted) certificates.value = found.certificates;
  }

  async function readSettlement(id: string): Promise<void> {
    const found = await get<Settlement | null>(`/api/cases/${id}/settlement`);
    if (id === wanted) settlement.value = found;
  }

  async function readTicket(): Promise<void> {
    const id = wanted;
    const found = await get<Ticket | null>(`/api/cases/${id}/ticket`);
    if (id === wanted) ticket.value = found;
  }

  async function readCall(): Promise<void> {
    const id = wanted;
    const found = await get<Call | null>(`/api/cases/${id}/call`);
    if (id === wanted) call.value = found;
  }

  /** Show for a moment that the other side has changed a field. */
  function flash(event: Event): void {
    const name = event.data.name;
    if (event.kind !== "field.changed" || typeof name !== "string") return;
    if (event.actor.id === me.value?.id) return;
    flashing.value = { ...flashing.value, [name]: event.seq };
    setTimeout(() => {
      if (flashing.value[name] !== event.seq) return;
      const { [name]: _gone, ...others } = flashing.value;
      flashing.value = others;
    }, FLASH_FOR);
  }

  const path = (rest = "") => `/api/cases/${wanted}${rest}`;

  /** Carry out a command on the case and catch up with what it did. */
  async function command<T>(run: () => Promise<T>): Promise<T> {
    const answer = await run();
    await catchUp();
    return answer;
  }

  /** Write a field; a stale version is thrown as `field.stale` with both values. */
  async function saveField(name: string, value: string, version: number): Promise<Field> {
    const field = await patch<Field>(path(`/fields/${name}`), { value, version });
    const fields = now.value?.fields;
    const at = fields?.findIndex((one) => one.name === name) ?? -1;
    if (fields && at >= 0 && fields[at]!.version < field.version) fields[at] = field;
    void catchUp();
    return field;
  }

  /** Tell the others that somebody is typing here; a hint, so its loss is nothing. */
  function sayEditing(name: string, editing: boolean): void {
    if (line?.isUp)
      line.send("field.edited", { case_id: wanted, name, editing }).catch(() => undefined);
  }

  const reveal = (name: string) => post<{ value: string }>(path("/reveals"), { name });

  const addMaterial = (
    kind: string,
    file: Blob,
    told: (part: number) => void,
    origin: Origin = "upload",
  ) =>
    command(() =>
      upload<Material>(
        path(`/materials?kind=${encodeURIComponent(kind)}&origin=${origin}`),
        file,
        told,
      ),
    );

  const tickMaterial = (id: string, accepted: boolean, remark = "") =>
    command(() => post<Material>(path(`/materials/${id}/tick`), { accepted, remark }));

  const removeMaterial = (id: string, reason: string) =>
    command(() => post<Material>(path(`/materials/${id}/removal`), { reason }));

  const recordCheck = (kind: CheckKind, passed: boolean, evidence: string[], remark: string) =>
    command(() => create(path("/checks"), { kind, passed, evidence, remark }));

  const askConsent = () => command(() => post<Consent>(path("/consent-requests")));
  const takeTicket = () => command(() => create<Ticket>(path("/ticket")));

  const abandonTicket = (reason: string) =>
    command(() => post<Ticket>(`/api/tickets/${ticket.value?.id}/abandonment`, { reason }));

  const returnCase = (missing: { what: string; why: string }[], remark: string) =>
    command(() => post<Case>(path("/return"), { missing, remark }));
  const refuseCase = (reason: string, basis: string) =>
    command(() => post<Case>(path("/refusal"), { reason, basis }));
  const deferCase = (remark: string, due_on: string) =>
    command(() => post<Case>(path("/deferral"), { remark, due_on }));
  const promiseCase = (text: string) => command(() => post<Case>(path("/promise"), { text }));
  const withdrawCase = (reason: string) => command(() => post<Case>(path("/withdrawal"), { reason }));

  const issue = (kind: string) =>
    command(() => create<Certificate>(path("/certificates"), { kind }));
  const verify = (id: string) =>
    command(() => post<Verdict>(`/api/certificates/${id}/verification`));
  const revoke = (id: string, reason: string) =>
    command(() => post<Certificate>(`/api/certificates/${id}/revocation`, { reason }));

  const settle = (certificate_id: string | null, reference: string, remark: string) =>
    command(() => create<Settlement>(path("/settlement"), { certificate_id, reference, remark }));

  return {
    me, now, item, events, certificates, settlement, ticket, call, editors, flashing, loading, failure,
    caseId, seq, holdsSeat,
    attach, open, close, catchUp, saveField, sayEditing, reveal, addMaterial, tickMaterial,
    removeMaterial, recordCheck, askConsent, takeTicket, abandonTicket, returnCase, refuseCase,
    deferCase, promiseCase, withdrawCase, issue, verify, revoke, settle,
  };
});
