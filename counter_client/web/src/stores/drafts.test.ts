import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, test, vi } from "vitest";
import { ref } from "vue";
import type { SavingState } from "@/features/cases/saving";
import { useDrafts } from "./drafts";

beforeEach(() => setActivePinia(createPinia()));

const draft = (now: SavingState) => ({ state: ref(now), settle: vi.fn(async () => undefined) });

test("a text that was refused or overtaken is named until it is mended, one that is being saved is not", () => {
  const drafts = useDrafts();
  const [refused, overtaken, saving] = [draft("failed"), draft("conflict"), draft("saving")];
  drafts.watch("balance", refused);
  drafts.watch("months", overtaken);
  drafts.watch("as_of", saving);
  expect(drafts.refused).toEqual(["balance", "months"]);
  refused.state.value = "clean";
  expect(drafts.refused).toEqual(["months"]);
});

test("a field that is gone is forgotten, and its successor is not", () => {
  const drafts = useDrafts();
  const forget = drafts.watch("balance", draft("failed"));
  drafts.watch("balance", draft("conflict"));
  forget();
  expect(drafts.refused).toEqual(["balance"]);
});

test("settling saves every field", async () => {
  const drafts = useDrafts();
  const all = [draft("typing"), draft("clean")];
  all.forEach((one, at) => drafts.watch(`${at}`, one));
  await drafts.settle();
  for (const one of all) expect(one.settle).toHaveBeenCalledOnce();
});
