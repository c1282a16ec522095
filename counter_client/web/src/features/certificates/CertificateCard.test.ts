import { flushPromises, mount } from "@vue/test-utils";
import { expect, test, vi } from "vitest";
import type { Certificate } from "@/api/shapes";
import { useDesk } from "@/stores/desk";
import { STANDINGS, VERDICTS } from "@/ui/words";
import CertificateCard from "./CertificateCard.vue";

vi.mock("@/stores/desk", () => ({ useDesk: vi.fn() }));

const certificate = {
  id: "c", number: "1.2.156", check_code: "ABCDEFGHJK", kind: "pension-balance", title: "证明", state: "valid", issuer: "局",
  issued_by: "程坐席", issued_at: "2026-11-29T04:00:00Z", valid_until: "2027-02-27", receipts: [], recalls: [],
} as unknown as Certificate;

test("a verdict is shown no longer when its certificate has fallen", async () => {
  vi.mocked(useDesk).mockReturnValue({
    shown: { side: "local" }, me: { roles: ["counter"] }, item: null, events: [], holdsSeat: false,
    verify: async () => ({ verdict: "genuine", checked_at: "2026-11-29T04:01:00Z" }),
  } as never);
  const card = mount(CertificateCard, { props: { certificate } });
  await card.get('[data-testid="certificate-verify"]').trigger("click");
  await flushPromises();
  expect(card.text()).toContain("真实有效");
  await card.setProps({ certificate: { ...certificate, state: "superseded" } });
  expect(card.text()).not.toContain("真实有效");
  card.unmount();
});

test("a certificate's fall is called here what the register and the verify page call it", () => {
  vi.mocked(useDesk).mockReturnValue({
    shown: { side: "local" }, me: { roles: ["counter"] }, item: null, events: [], holdsSeat: false,
  } as never);
  for (const state of ["revoked", "superseded"] as const) {
    const card = mount(CertificateCard, { props: { certificate: { ...certificate, state } } });
    expect(card.text()).toContain(STANDINGS[state]);
    expect(STANDINGS[state]).toBe(VERDICTS[state]);
    card.unmount();
  }
});
