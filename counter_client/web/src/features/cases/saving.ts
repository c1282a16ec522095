/**
 * How a field that two sides share is saved: on blur, on Enter, or 800 ms after the last key, never
 * while an input method composes; a stale write is put before the person with both values.
 */
import { ref, type Ref, shallowRef } from "vue";
import { ApiError } from "../../api/errors";
import { shortWords } from "../../ui/errors";

export const PAUSE = 800;

export interface Written {
  value: string | null;
  version: number;
}

export interface Conflict {
  yours: string;
  theirs: string | null;
  /** `theirs` is a personal value, and not shown whole. */
  masked: boolean;
  version: number;
  by: string | null;
}

export type SavingState = "clean" | "typing" | "saving" | "failed" | "conflict";

export interface Saving {
  draft: Ref<string>;
  state: Ref<SavingState>;
  /** Words beside the field when it could not be saved. */
  fault: Ref<string>;
  conflict: Ref<Conflict | null>;
  typed(text: string): void;
  composing(on: boolean): void;
  /** The person left the field or pressed Enter: save what is not saved yet. */
  flush(): Promise<void>;
  /** Save what is not saved yet and wait for it: then the field is clean, or its text was refused. */
  settle(): Promise<void>;
  /** The field as the case has it now: taken over unless the person has typed something else. */
  heard(field: Written): void;
  keepMine(): Promise<void>;
  takeTheirs(): void;
  stop(): void;
}

export function createSaving(
  start: Written,
  save: (value: string, version: number) => Promise<Written>,
): Saving {
  const draft = ref(start.value ?? "");
  const state = ref<SavingState>("clean");
  const fault = ref("");
  const conflict = shallowRef<Conflict | null>(null);
  let base: Written = start;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isComposing = false;
  let writing: Promise<void> = Promise.resolve();

  const isChanged = () => draft.value !== (base.value ?? "");

  function typed(text: string): void {
    draft.value = text;
    if (state.value !== "saving" && state.value !== "conflict") {
      state.value = isChanged() ? "typing" : "clean";
      fault.value = "";
    }
    wait();
  }

  function wait(): void {
    clearTimeout(timer);
    if (!isComposing) timer = setTimeout(() => void flush(), PAUSE);
  }

  function composing(on: boolean): void {
    isComposing = on;
    if (on) clearTimeout(timer);
    else wait();
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    if (isComposing || state.value === "saving" || state.value === "conflict") return;
    if (!isChanged()) {
      state.value = "clean";
      fault.value = "";
      return;
    }
    await write(draft.value, base.version);
  }

  async function settle(): Promise<void> {
    if (state.value === "saving") await writing;
    // What was typed while the last text was on its way is still to be saved.
    if (state.value === "typing" && !isComposing) await flush();
  }

  function write(value: string, version: number): Promise<void> {
    writing = send(value, version);
    return writing;
  }

  async function send(value: string, version: number): Promise<void> {
    state.value = "saving";
    fault.value = "";
    conflict.value = null;
    try {
      take(value, await save(value, version));
    } catch (error) {
      refused(value, error);
    }
  }

  /** The service gives the value in its normal form; what was typed meanwhile is saved next. */
  function take(sent: string, written: Written): void {
    const more = draft.value !== sent;
    if (written.version >= base.version) base = written;
    if (!more) draft.value = base.value ?? "";
    state.value = more ? "typing" : "clean";
    if (more) wait();
  }

  function refused(sent: string, error: unknown): void {
    if (!(error instanceof ApiError) || error.code !== "field.stale") {
      state.value = "failed";
      fault.value = shortWords(error);
      return;
    }
    const { theirs, masked, version, by } = error.details as unknown as Conflict;
    if (!masked && (theirs ?? "") === sent) {
      // Ours already: the answer of an earlier try was lost, or both wrote the same.
      take(sent, { value: theirs, version });
      return;
    }
    conflict.value = { yours: draft.value, theirs, masked, version, by };
    state.value = "conflict";
  }

  function heard(field: Written): void {
    if (field.version <= base.version) return;
    // What the person is typing stays; saving it finds that it is stale, and asks.
    if (state.value !== "clean") return;
    base = field;
    draft.value = field.value ?? "";
  }

  async function keepMine(): Promise<void> {
    if (conflict.value === null) return;
    const { theirs, version } = conflict.value;
    base = { value: theirs, version };
    await write(draft.value, version);
  }

  function takeTheirs(): void {
    if (conflict.value === null) return;
    const { theirs, version } = conflict.value;
    base = { value: theirs, version };
    draft.value = theirs ?? "";
    conflict.value = null;
    state.value = "clean";
  }

  return {
    draft, state, fault, conflict, typed, composing, flush, settle, heard, keepMine, takeTheirs,
    stop: () => clearTimeout(timer),
  };
}
