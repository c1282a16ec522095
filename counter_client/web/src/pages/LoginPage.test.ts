import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { post } from "@/api/http";
import LoginPage from "./LoginPage.vue";

vi.mock("@/api/http", () => ({ get: vi.fn(), post: vi.fn() }));
vi.mock("vue-router", () => ({ useRoute: () => ({ query: {} }), useRouter: () => ({}) }));
beforeEach(() => setActivePinia(createPinia()));
enableAutoUnmount(afterEach);

test.each([
  ["network.lost", 0, "right"],
  ["server.busy", 503, "right"],
  ["login.refused", 401, ""],
])("a password that may be right is not to be typed again: %s", async (code, status, left) => {
  vi.mocked(post).mockRejectedValue(new ApiError(code, status));
  const page = mount(LoginPage, { global: { stubs: { RouterLink: true } } });
  const [name, password] = page.findAll<HTMLInputElement>("input");
  await name!.setValue("clerk");
  await password!.setValue("right");
  await page.get("form").trigger("submit");
  await flushPromises();
  expect(page.get('[data-testid="login-fault"]').text()).not.toBe("");
  expect(password!.element.value).toBe(left);
});
