/** Keeping what a store has fetched as it is on the service, while somebody is signed in. */
import { calm } from "@/call/rush";
import { useLine } from "./line";
import { useMe } from "./me";

const SETTLES_IN = 200;

/** Return what runs `load` in a moment: several notices of one command make one fetch. */
export function settled(load: () => Promise<unknown>, settles = SETTLES_IN): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => void calm().then(load).catch(() => undefined), settles);
  };
}

/** Have `load` run whenever the line is up again, every so many milliseconds, and soon after news. */
export function keepFresh(load: () => Promise<unknown>, every: number, settles = SETTLES_IN) {
  const me = useMe();
  const soon = settled(load, settles);

  /** Carry a command out; whatever came of it, the lists are as they are on the service. */
  async function run<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } finally {
      soon();
    }
  }

  useLine().onUp(soon);
  setInterval(() => {
    if (me.clerk !== null && document.visibilityState === "visible") soon();
  }, every);
  return { soon, run };
}
