/** Items and regions: they change with a new regions.toml only, so they are fetched once. */
import { defineStore } from "pinia";
import { ref } from "vue";
import { get } from "@/api/http";
import type { Item, Region } from "@/api/shapes";

export const useCatalogue = defineStore("catalogue", () => {
  const items = ref<Item[]>([]);
  const regions = ref<Region[]>([]);
  let fetching: Promise<void> | null = null;

  async function fetchAll(): Promise<void> {
    const [found, places] = await Promise.all([
      get<{ items: Item[] }>("/api/items"),
      get<{ regions: Region[] }>("/api/regions"),
    ]);
    items.value = found.items;
    regions.value = places.regions;
  }

  /** Fetch both unless they are there; a failure is forgotten and tried again next time. */
  async function load(): Promise<void> {
    fetching ??= fetchAll().catch((error: unknown) => {
      fetching = null;
      throw error;
    });
    await fetching;
  }

  /** The item as it was when a case was opened. */
  const itemOf = (code: string, version: string) =>
    items.value.find((item) => item.code === code && item.version === version);

  /** The items that new cases are opened on: the newest version of each. */
  function current(): Item[] {
    const newest = new Map<string, Item>();
    for (const item of items.value) {
      const known = newest.get(item.code);
      if (known === undefined || isNewer(item.version, known.version)) newest.set(item.code, item);
    }
    return [...newest.values()];
  }

  const regionName = (code: string) =>
    regions.value.find((region) => region.code === code)?.name ?? code;

  return { items, regions, load, itemOf, current, regionName };
});

function isNewer(one: string, other: string): boolean {
  return one.localeCompare(other, "en", { numeric: true }) > 0;
}
