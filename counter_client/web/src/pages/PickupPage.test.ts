import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { get, post } from "@/api/http";
import PickupPage from "./PickupPage.vue";

vi.mock("@/api/http", () => ({ get: vi.fn(), post: vi.fn() }));

enableAutoUnmount(afterEach);

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

const whole = (number: string, more: object = {}) => ({
  item_name: "事项", state: "settled", number, steps: [], rating: null, refusal: null, certificates: [], ...more,
});
const open = async (at: string) => {
  window.history.replaceState(null, "", at);
  const page = mount(PickupPage);
  await flushPromises();
  return page;
};
const follow = async (hash: string) => {
  window.history.replaceState(null, "", `/c#${hash}`);
  window.dispatchEvent(new Event("hashchange"));
  await flushPromises();
};

test("another link that is opened in the same tab is opened, and nothing of the first case is left", async () => {
  vi.mocked(post).mockResolvedValueOnce(whole("first"));
  const page = await open("/c#one");
  expect(page.text()).toContain("办件编号 first");
  vi.mocked(post).mockResolvedValueOnce(whole("second"));
  await follow("two");
  expect(post).toHaveBeenLastCalledWith("/api/citizen/login", { token: "two" });
  expect(page.text()).toContain("办件编号 second");
  vi.mocked(post).mockRejectedValueOnce(new ApiError("rate.exceeded", 429));
  await follow("three");
  expect(page.text()).not.toContain("办件编号");
});

test("a link that nobody has used yet is tried again by a button, for the address has it no more", async () => {
  vi.mocked(post).mockRejectedValueOnce(new ApiError("network.lost", 0));
  const page = await open("/c#one");
  expect(window.location.hash).toBe("");
  vi.mocked(post).mockResolvedValueOnce(whole("first"));
  await page.get('[data-testid="pickup-again"]').trigger("click");
  await flushPromises();
  expect(post).toHaveBeenLastCalledWith("/api/citizen/login", { token: "one" });
  expect(page.text()).toContain("办件编号 first");
  expect(page.find('[data-testid="pickup-again"]').exists()).toBe(false);
});

test("of a used link one is told that what stands below was opened before", async () => {
  vi.mocked(post).mockRejectedValueOnce(new ApiError("pickup.unknown", 404));
  vi.mocked(get).mockResolvedValue(whole("before"));
  const page = await open("/c#used");
  expect(page.get('[data-testid="pickup-earlier"]').text()).toContain("已用过或已过期");
  expect(page.text()).toContain("办件编号 before");
});

test("who comes back to the page sees how the case stands now", async () => {
  vi.mocked(get).mockResolvedValue(whole("one", { state: "in_call" }));
  const page = await open("/c");
  vi.mocked(get).mockResolvedValue(whole("one", { state: "settled" }));
  document.dispatchEvent(new Event("visibilitychange"));
  await flushPromises();
  expect(page.get('[data-testid="pickup-state"]').text()).toBe("已办结");
  // A line that is down for a moment takes nothing away.
  vi.mocked(get).mockRejectedValue(new ApiError("network.lost", 0));
  document.dispatchEvent(new Event("visibilitychange"));
  await flushPromises();
  expect(page.get('[data-testid="pickup-state"]').text()).toBe("已办结");
});

test("what a phone has open is gone from it when its login has ended", async () => {
  vi.mocked(get).mockResolvedValue(whole("one"));
  const page = await open("/c");
  vi.mocked(get).mockRejectedValue(new ApiError("login.expired", 401));
  document.dispatchEvent(new Event("visibilitychange"));
  await flushPromises();
  expect(page.text()).not.toContain("办件编号");
  expect(page.get('[data-testid="pickup-failure"]').text()).toContain("链接已失效");
});

test("why a rating was not kept is said beside it, and one from the counter is shown", async () => {
  vi.mocked(get).mockResolvedValue(whole("one"));
  const page = await open("/c");
  vi.mocked(post).mockRejectedValueOnce(new ApiError("rating.given", 409));
  vi.mocked(get).mockResolvedValue(whole("one", { rating: 4 }));
  await page.get('[data-testid="rating-1"]').trigger("click");
  await page.get('[data-testid="rating-submit"]').trigger("click");
  await flushPromises();
  expect(page.get('[data-testid="pickup-unrated"]').text()).toContain("已经评价过了");
  expect(page.get('[data-testid="rating"]').text()).toContain("您的评价：满意");
});
