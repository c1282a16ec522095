import { flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, test, vi } from "vitest";
import { useReviews } from "@/stores/reviews";
import CaseColumn from "./CaseColumn.vue";

vi.mock("./next-step", () => ({ nextStep: () => ({ action: "review", label: "提请复核", closed: "", hint: "" }) }));
vi.mock("@/stores/desk", () => ({
  useDesk: () => ({
    shown: { id: "c", fields: [], missing_materials: [], materials: [], checks: [] }, item: null, certificates: [], events: [], me: null, caseId: "c",
    seq: 1, failure: null, loading: false, ticket: null,
  }),
}));

beforeEach(() => setActivePinia(createPinia()));

test.each([
  ["missing", ["pension-balance"]],
  ["pending", []],
])("the button that says so asks for the review, once: %s", async (fault, asked) => {
  const reviews = useReviews();
  const kinds: string[] = [];
  Object.defineProperty(reviews, "next", { value: { kind: "pension-balance", fault } });
  reviews.ask = (async (kind: string) => void kinds.push(kind)) as never;
  const column = mount(CaseColumn, { shallow: true, global: { stubs: { NextStep: false } } });
  column.getComponent({ name: "NextStep" }).vm.$emit("taken");
  await flushPromises();
  expect(kinds).toEqual(asked);
  column.unmount();
});
