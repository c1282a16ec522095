/** Where the signed lists are kept on this device. */
import { clear, createStore, get, update } from "idb-keyval";

/** What keeps values by name; `change` sees the old one and gives the new one, with nobody between. */
export interface Box {
  find<T>(name: string): Promise<T | undefined>;
  change<T>(name: string, next: (old: T | undefined) => T): Promise<void>;
  empty(): Promise<void>;
}

/** The browser's database; where it keeps none (some private windows), the page's own memory. */
export async function openBox(): Promise<Box> {
  try {
    const box = deviceBox();
    await box.find("trust");
    return box;
  } catch {
    return pageBox();
  }
}

function deviceBox(): Box {
  const store = createStore("kuayu-verify", "lists");
  return {
    find: (name) => get(name, store),
    change: (name, next) => update(name, next, store),
    empty: () => clear(store),
  };
}

/** Keeps values for as long as the page is open. */
export function pageBox(): Box {
  const kept = new Map<string, unknown>();
  return {
    find: async <T>(name: string) => kept.get(name) as T | undefined,
    change: async <T>(name: string, next: (old: T | undefined) => T) => {
      kept.set(name, next(kept.get(name) as T | undefined));
    },
    empty: async () => kept.clear(),
  };
}
