/** What a button carries out: one command at a time, whose end is said in words. */
import { type Ref, ref } from "vue";
import { attempt, sayDone } from "./say";

export interface Command {
  /** It is being carried out. */
  busy: Ref<boolean>;
  /** Carry it out, and say that it is done, where there are words for it, or what failed; true when it is done. */
  run: <T>(command: () => Promise<T>, done?: string | ((answer: T) => string)) => Promise<boolean>;
}

export function useCommand(): Command {
  const busy = ref(false);

  async function run<T>(command: () => Promise<T>, done?: string | ((answer: T) => string)): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    const ended = await attempt(async () => ({ answer: await command() }));
    busy.value = false;
    if (ended === undefined) return false;
    if (done !== undefined) sayDone(typeof done === "string" ? done : done(ended.answer));
    return true;
  }

  return { busy, run };
}
