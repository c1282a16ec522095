import { flushPromises, mount } from "@vue/test-utils";
import { expect, test, vi } from "vitest";
import { get } from "@/api/http";
import PickupPage from "./PickupPage.vue";

vi.mock("@/api/http", () => ({ get: vi.fn(), post: vi.fn() }));

const sheet = (number: string, state: string) => ({
  id: number, number, state, title: "证明", pages: 1, check_code: "A", sm2_signed_at: "2026-11-29T04:00:00Z",
});

test("the certificate that counts is above those that count no more, and is the one that is offered", async () => {
  window.history.replaceState(null, "", "/c");
  vi.mocked(get).mockResolvedValue({
    item_name: "事项", state: "settled", number: "1", steps: [], rating: null, refusal: null,
    certificates: [sheet("first", "revoked"), sheet("second", "superseded"), sheet("third", "valid")],
  });
  const page = mount(PickupPage);
  await flushPromises();
  const sheets = page.findAll('[data-testid="pickup-certificate"]');
  expect(sheets.map((one) => /编号 (\w+)/.exec(one.text())![1])).toEqual(["third", "second", "first"]);
  const offered = page.findAll('[data-testid="pickup-download"]');
  expect(offered.map((one) => one.attributes("href"))).toEqual(["/api/citizen/certificates/third/file"]);
  expect(page.findAll('[data-testid="pickup-download-fallen"]')).toHaveLength(2);
  expect(page.findAll('[data-testid="pickup-sm2"]')).toHaveLength(1);
});
