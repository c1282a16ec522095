import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { h } from "vue";
import { ApiError } from "@/api/errors";
import { post, upload } from "@/api/http";
import VerifyPage from "./VerifyPage.vue";

vi.mock("vue-router", () => ({ useRoute: () => ({ params: {} }) }));
vi.mock("@/api/http", () => ({ post: vi.fn(), upload: vi.fn(), get: vi.fn(), getBlob: vi.fn() }));
vi.mock("@/features/verification/CodeScanner.vue", () => ({
  __esModule: true,
  default: { name: "CodeScanner", emits: ["found", "closed"], render: () => h("div", { "data-testid": "scanner" }) },
}));

const ADDRESS = "https://kuayu.example/v/1.2.156#token";
const genuine = { verdict: "genuine", number: "1.2.156", demo: false, checked_at: "2026-11-29T00:00:00Z" };

function open(at = "/verify") {
  window.history.replaceState(null, "", at);
  return mount(VerifyPage, { attachTo: document.body, global: { stubs: { SuppliesNote: true } } });
}
type Page = ReturnType<typeof open>;
const at = (page: Page, testid: string) => page.find(`[data-testid="${testid}"]`);

async function fill(page: Page, number: string, code: string): Promise<void> {
  await at(page, "verify-number").setValue(number);
  await at(page, "verify-code").setValue(code);
  await page.find("form").trigger("submit");
  await flushPromises();
}

beforeEach(() => void vi.mocked(post).mockResolvedValue(genuine));
enableAutoUnmount(afterEach);

test("an address with its token is verified at once, also with a query that an application added", async () => {
  const page = open("/v/1.2.156?from=timeline#token");
  await flushPromises();
  expect(post).toHaveBeenCalledWith("/api/verify/qr", { number: "1.2.156", token: "token" }, 8_000);
  expect(at(page, "verdict").attributes("data-verdict")).toBe("genuine");
});

test("while the next certificate is scanned, the last one's verdict does not stand above it", async () => {
  const page = open("/v/1.2.156#token");
  await flushPromises();
  await at(page, "verify-scan").trigger("click");
  await flushPromises();
  expect(at(page, "verdict").exists()).toBe(false);
  expect(at(page, "scanner").exists()).toBe(true);
});

test("what was scanned is verified, the scanner is closed, and the keyboard is where it was", async () => {
  const page = open();
  await at(page, "verify-scan").trigger("click");
  await flushPromises();
  page.findComponent({ name: "CodeScanner" }).vm.$emit("found", { number: "1.2.156", token: "token", text: ADDRESS });
  await flushPromises();
  expect(at(page, "verdict").attributes("data-verdict")).toBe("genuine");
  expect(at(page, "scanner").exists()).toBe(false);
  expect(document.activeElement).toBe(at(page, "verify-scan").element);
});

test("a code's whole text in the place of the number is as good as scanned", async () => {
  await fill(open(), ` ${ADDRESS} `, "");
  expect(post).toHaveBeenCalledWith("/api/verify/qr", { number: "1.2.156", token: "token" }, 8_000);
});

test("number and check code are taken as people type them", async () => {
  await fill(open(), "１.2. 156\n", "ab ＣＤ");
  expect(post).toHaveBeenCalledWith("/api/verify", { number: "1.2.156", check_code: "abCD" });
});

test("number and check code are taken as they are copied from the phone's page, with the words beside them", async () => {
  await fill(open(), "编号 1。2．156\u200b", "校验码：ab-CD");
  expect(post).toHaveBeenCalledWith("/api/verify", { number: "1.2.156", check_code: "abCD" });
});

test("a number with half a page behind it is refused in words that say so", async () => {
  const page = open();
  vi.mocked(post).mockClear();
  await fill(page, "1".repeat(200), "AB");
  expect(at(page, "verify-failure").text()).toContain("证明编号太长");
  expect(post).not.toHaveBeenCalled();
});

test("without network one is told that numbers and files need it, and codes do not", async () => {
  vi.mocked(post).mockRejectedValue(new ApiError("network.lost", 0));
  const page = open();
  await fill(page, "1.2.156", "AB");
  expect(at(page, "verify-failure").text()).toContain("请扫描证明上的二维码离线核验");
});

test("a refusal keeps its own words, and a file that is too large is not sent", async () => {
  vi.mocked(post).mockRejectedValue(new ApiError("rate.exceeded", 429));
  const page = open();
  await fill(page, "1.2.156", "AB");
  expect(at(page, "verify-failure").text()).toBe("操作过于频繁。请稍等一分钟后重试。");
  const picker = at(page, "verify-file");
  Object.defineProperty(picker.element, "files", { value: [{ size: 6_000_000 }] });
  await picker.trigger("change");
  expect(at(page, "verify-failure").text()).toContain("超过 5 MB");
  expect(upload).not.toHaveBeenCalled();
});

function choose(page: Page, size: number): Promise<void> {
  const picker = at(page, "verify-file");
  Object.defineProperty(picker.element, "files", { value: [new File([new Uint8Array(size)], "a.pdf")], configurable: true });
  return picker.trigger("change");
}

test("what is refused before anybody is asked takes the last certificate's verdict away", async () => {
  const page = open();
  await fill(page, "1.2.156", "AB");
  expect(at(page, "verdict").exists()).toBe(true);
  await choose(page, 6_000_000);
  expect(at(page, "verdict").exists()).toBe(false);
  await fill(page, "1.2.156", "AB");
  await fill(page, "1.2.156", "");
  expect(at(page, "verdict").exists()).toBe(false);
  expect(at(page, "verify-failure").text()).toContain("请填写");
});

test("a file of somebody else's must not be trusted, a number that is not found may be mistyped", async () => {
  const unknown = { ...genuine, verdict: "unknown", number: null };
  vi.mocked(post).mockResolvedValue(unknown);
  vi.mocked(upload).mockResolvedValue(unknown);
  const page = open();
  await fill(page, "1.2.156", "AB");
  expect(at(page, "verdict").text()).toContain("请核对编号和校验码");
  expect(at(page, "verdict").classes()).toContain("unsure");
  await choose(page, 1);
  await flushPromises();
  expect(at(page, "verdict").text()).toContain("请勿采信");
  expect(at(page, "verdict").classes()).toContain("bad");
});

test("of a folder, and of a file that is gone, one is told that it cannot be read, and nothing of the network", async () => {
  vi.mocked(upload).mockRejectedValue(new DOMException("gone", "NotFoundError"));
  const page = open();
  await choose(page, 1);
  await flushPromises();
  expect(at(page, "verify-failure").text()).toContain("没能读取所选的文件");
});

test("of two files the verdict on the last one stays, whichever is answered first", async () => {
  const answers: ((verdict: unknown) => void)[] = [];
  vi.mocked(upload).mockImplementation(() => new Promise((answer) => answers.push(answer as never)));
  const page = open();
  await choose(page, 1);
  await choose(page, 2);
  answers[1]!({ ...genuine, verdict: "altered" });
  await flushPromises();
  answers[0]!(genuine);
  await flushPromises();
  expect(at(page, "verdict").attributes("data-verdict")).toBe("altered");
});

test("a verdict that appears above what one looks at is brought into view", async () => {
  const brought = (Element.prototype.scrollIntoView = vi.fn());
  const page = open();
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue({ top: -300 } as DOMRect);
  await fill(page, "1.2.156", "AB");
  expect(brought).toHaveBeenCalledOnce();
});

/** Drop something anywhere on the page; whether the browser is left to do what it likes with it. */
function drop(types: string[], files: File[]): boolean {
  const event = new Event("drop", { bubbles: true, cancelable: true });
  return document.body.dispatchEvent(Object.assign(event, { dataTransfer: { types, files } }));
}

test("a file that falls beside the panel is verified, and not opened in the page's place", async () => {
  vi.mocked(upload).mockReset().mockResolvedValue(genuine);
  const page = open();
  expect(drop(["Files"], [new File(["%PDF"], "证明.pdf")])).toBe(false);
  await flushPromises();
  expect(upload).toHaveBeenCalledOnce();
  expect(at(page, "verdict").attributes("data-verdict")).toBe("genuine");
});

test("words that are dragged into a field are the field's", () => {
  vi.mocked(upload).mockReset();
  open();
  expect(drop(["text/plain"], [])).toBe(true);
  expect(upload).not.toHaveBeenCalled();
});
