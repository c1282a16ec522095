import { flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, test, vi } from "vitest";
import { reactive, ref } from "vue";
import { useDesk } from "@/stores/desk";
import { useDrafts } from "@/stores/drafts";
import { useReviews } from "@/stores/reviews";
import CaseColumn from "./CaseColumn.vue";

vi.mock("./next-step", () => ({ nextStep: () => ({ action: "review", label: "提请复核", closed: "", hint: "" }) }));
vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));

const desk = reactive({
  shown: { id: "c", fields: [], missing_materials: [], materials: [], checks: [] }, item: null, certificates: [], events: [], me: null, caseId: "c",
  seq: 1, failure: null, loading: false, ticket: null,
});

beforeEach(() => {
  setActivePinia(createPinia());
  vi.mocked(useDesk).mockReturnValue(desk as never);
  desk.caseId = "c";
});

/** Take the next step of a case whose review stands so; return what it asked for. */
async function taken(fault: string): Promise<string[]> {
  const reviews = useReviews();
  const kinds: string[] = [];
  Object.defineProperty(reviews, "next", { value: { kind: "pension-balance", fault } });
  reviews.ask = (async (kind: string) => void kinds.push(kind)) as never;
  const column = mount(CaseColumn, { shallow: true, global: { stubs: { NextStep: false } } });
  column.getComponent({ name: "NextStep" }).vm.$emit("taken");
  await flushPromises();
  column.unmount();
  return kinds;
}

test.each([
  ["missing", ["pension-balance"]],
  ["pending", []],
])("the button that says so asks for the review, once: %s", async (fault, asked) => {
  expect(await taken(fault)).toEqual(asked);
});

test("no step is taken on the case that came onto the desk while what was typed was being saved", async () => {
  useDrafts().watch("months", { state: ref("typing"), settle: async () => void (desk.caseId = "another") });
  expect(await taken("missing")).toEqual([]);
});
