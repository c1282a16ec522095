import { expect, it } from "vitest";
import type { Case, CaseState, Certificate, Item, ReviewFault, ReviewStanding, Ticket } from "../../api/shapes";
import { REVIEW_FAULTS } from "../../ui/words";
import { nextStep, type Situation } from "./next-step";

const item = {
  fields: [
    { name: "reason", label: "提取原因", side: "local", required: true },
    { name: "balance", label: "余额", side: "jurisdiction", required: true },
  ],
  materials: [{ code: "id-card", name: "居民身份证", required: true, hint: "" }],
} as unknown as Item;

function shown(state: CaseState, more: Partial<Case> = {}): Case {
  return {
    state, fields: [{ name: "reason", value: "其他" }, { name: "balance", value: "1.00" }],
    missing_materials: [], checks: [{ kind: "identity", passed: true }], consent: { state: "given" }, ...more,
  } as unknown as Case;
}

const step = (now: Case, asAgent = false, ticket: Ticket | null = null, inCall = true) =>
  nextStep({ case: now, item, ticket, asAgent, inCall });

it("calls the jurisdiction when everything is there", () => {
  expect(step(shown("draft"))).toMatchObject({ action: "call", closed: "" });
});

it("says what is missing before anyone waits", () => {
  const lacking = shown("draft", { missing_materials: ["id-card"], fields: [] });
  const { closed } = step(lacking);
  expect(closed).toContain("居民身份证");
  expect(closed).toContain("提取原因");
  expect(closed).not.toContain("余额");
});

it("leaves every step to the others while we only advise", () => {
  for (const state of ["in_call", "certified", "refused"] as const) {
    const now = nextStep({ case: shown(state), item, ticket: null, asAgent: true, inCall: true, asGuest: true });
    expect(now).toMatchObject({ action: "none", label: "会商中" });
  }
});

it("says why an agent without authority may not issue", () => {
  const now = nextStep({ case: shown("in_call"), item, ticket: null, asAgent: true, inCall: true, barred: "不能" });
  expect(now).toMatchObject({ action: "issue", closed: "不能" });
});

it("says the place in the line, and that nobody is ready", () => {
  const ticket = { state: "waiting", position: 3, estimated_wait_seconds: 90, agents_ready: 0 };
  expect(step(shown("waiting"), false, ticket as Ticket).closed).toContain("第 3 位，属地暂无就绪人员");
});

it("says that a counter that was left keeps its place", () => {
  const ticket = { state: "waiting", position: 1, away: true, agents_ready: 1 };
  expect(step(shown("waiting"), false, ticket as Ticket).closed).toContain("位置没有变");
});

it("leads the agent from consent over the check and the form to the certificate", () => {
  const none = { consent: { state: "none" } } as Partial<Case>;
  expect(step(shown("in_call", none), true).action).toBe("ask-consent");
  expect(step(shown("in_call", { checks: [] }), true).action).toBe("check");
  expect(step(shown("in_call", { fields: [] }), true)).toMatchObject({ action: "fill", closed: "" });
  expect(step(shown("in_call"), true)).toMatchObject({ action: "issue", closed: "" });
});

it("waits while the citizen reads", () => {
  const asked = { consent: { state: "asked" } } as Partial<Case>;
  expect(step(shown("in_call", asked), true).closed).not.toBe("");
});

it("counts the last identity check only", () => {
  const checks = [{ kind: "identity", passed: true }, { kind: "identity", passed: false }];
  expect(step(shown("in_call", { checks } as unknown as Partial<Case>), true).action).toBe("check");
});

it("does not issue while the counter still owes a material", () => {
  const owed = step(shown("in_call", { missing_materials: ["id-card"] }), true);
  expect(owed.action).toBe("issue");
  expect(owed.closed).toContain("窗口还缺材料：居民身份证");
});

const review = (fault: ReviewFault | null) =>
  ({ fault, review: { closed_by_name: "周复核", counts_until: "2026-11-22T04:30:00Z" } }) as ReviewStanding;
const reviewed = (standing: ReviewStanding | null, asAgent = true, state: CaseState = "in_call", more: Partial<Case> = {}) =>
  nextStep({ case: shown(state, more), item, ticket: null, asAgent, inCall: true, review: standing });

it("offers nothing to be issued while a second clerk looks, and issues again after they approved", () => {
  expect(reviewed(null)).toMatchObject({ action: "issue", closed: "正在查看是否须复核" });
  expect(reviewed(review("missing"))).toMatchObject({ action: "review", label: "提请复核", closed: "" });
  expect(reviewed(review("pending"))).toMatchObject({ action: "review", label: "等候复核", closed: "" });
  for (const fault of ["declined", "changed", "expired", "used", "own", "reviewer_gone"] as const) {
    expect(reviewed(review(fault))).toMatchObject({ action: "review", label: "提请复核", hint: REVIEW_FAULTS[fault] });
  }
  expect(reviewed(review(null))).toMatchObject({ action: "issue", label: "签发证明", closed: "", hint: "周复核复核通过，12:30 前可签发" });
  expect(reviewed(review("pending"), true, "with_jurisdiction").label).toBe("等候复核");
});

it("asks for no review of what could not be issued all the same", () => {
  const owed = { missing_materials: ["id-card"] };
  expect(reviewed(review("missing"), true, "in_call", owed)).toMatchObject({ action: "issue", closed: expect.stringContaining("窗口还缺") });
  expect(reviewed(review("missing"), true, "in_call", { checks: [] }).action).toBe("check");
});

it("tells the counter what the citizen waits for", () => {
  const told = (fault: ReviewFault | null) => reviewed(review(fault), false);
  expect(told("pending")).toMatchObject({ action: "none", label: "等候属地复核" });
  expect(told("declined").closed).toContain("复核没有通过");
  expect(told(null).closed).toContain("复核已通过");
  expect(told("missing").closed).toBe(step(shown("in_call")).closed);
  expect(reviewed(review("pending"), false, "with_jurisdiction").closed).toContain("正在复核");
});

it("settles at the counter on a certificate or a promise, and then shows the link", () => {
  expect(step(shown("certified")).action).toBe("settle");
  expect(step(shown("promised")).action).toBe("settle");
  expect(step(shown("settled"), false, null, false).action).toBe("pickup");
  expect(step(shown("settled")).action).toBe("hang-up");
});

it("settles with no certificate that fell or is about to, and shows no link to one", () => {
  const pending_revocation = {} as Certificate["pending_revocation"];
  const told = (state: CaseState, asAgent: boolean, ...certificates: Situation["certificates"] & object) =>
    nextStep({ case: shown(state), item, ticket: null, asAgent, inCall: false, certificates });
  const valid = { state: "valid", pending_revocation: null } as const;
  const revoked = { state: "revoked", pending_revocation: null } as const;
  const awaits = { state: "valid", pending_revocation } as const;
  expect(told("certified", false, awaits)).toMatchObject({ action: "settle", closed: expect.stringContaining("等复核") });
  expect(told("certified", false, revoked)).toMatchObject({ closed: expect.stringContaining("证明已作废") });
  expect(told("certified", false, revoked, valid)).toMatchObject({ action: "settle", closed: "" });
  expect(told("settled", false, revoked).action).toBe("none");
  expect(told("settled", false, revoked, valid).action).toBe("pickup");
  expect(told("certified", true, revoked).label).toBe("已作废");
});

it("has words for every state on both sides", () => {
  const states: CaseState[] = [
    "draft", "waiting", "in_call", "with_jurisdiction", "certified", "settled", "returned", "refused",
    "promised", "withdrawn",
  ];
  for (const state of states) {
    for (const asAgent of [true, false]) {
      for (const inCall of [true, false]) {
        const { label, action, closed } = step(shown(state), asAgent, null, inCall);
        expect(label).not.toBe("");
        expect(action === "none").toBe(action === "none" && closed !== "");
      }
    }
  }
});

it("lets nobody issue or call while the form shows a text that the case does not have", () => {
  for (const [state, asAgent] of [["in_call", true], ["with_jurisdiction", true], ["draft", false], ["returned", false]] as const) {
    const now = nextStep({ case: shown(state), item, ticket: null, asAgent, inCall: asAgent, review: null, unsaved: ["余额"] });
    expect(now).toMatchObject({ action: "fill", closed: "" });
    expect(now.hint).toContain("余额");
  }
});

it("ends the call at the counter before anything else, when the case has gone another way in it", () => {
  for (const state of ["returned", "refused"] as const) {
    expect(step(shown(state))).toMatchObject({ action: "hang-up", closed: "" });
    expect(step(shown(state), false, null, false).action).not.toBe("hang-up");
  }
});
