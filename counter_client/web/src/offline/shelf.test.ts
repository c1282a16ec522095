import { beforeEach, expect, test, vi } from "vitest";
import { pageBox, type Box } from "./box";
import type { Bytes } from "./bytes";
import { Refused } from "./cbor";
import { Shelf } from "./shelf";
import { StatusListError, type StatusList } from "./status-list";
import { OtherRoot, type TrustList } from "./trust-list";

// What signatures are worth is for vectors.test.ts; here lists are plain words.
vi.mock("./trust-list", async (original) => ({
  ...(await original<object>()),
  openTrustList: vi.fn(async (content: Bytes, root: string | null) => {
    const said = spoken<TrustList>(content);
    if (root !== null && said.root !== root) throw new OtherRoot(said.root);
    return said;
  }),
}));
vi.mock("./status-list", async (original) => ({
  ...(await original<object>()),
  readStatusList: vi.fn(async (content: Bytes) => spoken<StatusList>(content)),
}));

const HUOQIU = { issuer: "11341522MB0000001T", year: 2026 };
const NOW = Date.UTC(2026, 10, 29);
const DAY = 86_400_000;

function spoken<T>(content: Bytes): T {
  try {
    return JSON.parse(new TextDecoder().decode(content)) as T;
  } catch {
    throw new Refused("no list");
  }
}

const written = (said: object): Bytes => new TextEncoder().encode(JSON.stringify(said));
const trust = (version: number, more: object = {}) =>
  written({ root: "a1", demo: false, version, issuedAt: NOW, expiresAt: NOW + 7 * DAY, ...more });
const statuses = (version: number, more: object = {}) =>
  written({ ...HUOQIU, version, issuedAt: NOW, ...more });

let box: Box;
let shelf: Shelf;
const take = async (content: Bytes, changes = 1) =>
  shelf.takeStatus(HUOQIU, content, changes, (await shelf.trust())!, NOW);

beforeEach(() => {
  box = pageBox();
  shelf = new Shelf(box);
});

test("the root behind the first trust list is the one that is believed from then on", async () => {
  await shelf.takeTrust(trust(1));
  await expect(shelf.takeTrust(trust(9, { root: "b2" }))).rejects.toBeInstanceOf(OtherRoot);
  expect(await shelf.trust()).toMatchObject({ root: "a1", version: 1 });
});

test("an older trust list never takes the place of a newer one", async () => {
  await shelf.takeTrust(trust(5));
  expect(await shelf.takeTrust(trust(4))).toMatchObject({ version: 5 });
  expect(await shelf.takeTrust(trust(5, { issuedAt: NOW - 1 }))).toMatchObject({ issuedAt: NOW });
  expect(await shelf.takeTrust(trust(5, { issuedAt: NOW + 1 }))).toMatchObject({ issuedAt: NOW + 1 });
  expect(await shelf.takeTrust(trust(6, { issuedAt: NOW - 1 }))).toMatchObject({ version: 6 });
});

test("of two pages that fetch at once, the later one to keep does not undo the newer list", async () => {
  const slow: Box = {
    ...box,
    change: async (name, next) => {
      await new Shelf(box).takeTrust(trust(8));
      await box.change(name, next);
    },
  };
  expect(await new Shelf(slow).takeTrust(trust(7))).toMatchObject({ version: 8 });
});

test("of two pages that fetch the first list at once, one has said which root is believed", async () => {
  const slow: Box = {
    ...box,
    change: async (name, next) => {
      await new Shelf(box).takeTrust(trust(1));
      await box.change(name, next);
    },
  };
  await new Shelf(slow).takeTrust(trust(7, { root: "b2" }));
  expect(await shelf.trust()).toMatchObject({ root: "a1", version: 1 });
});

test("a list that was altered where it is kept is none", async () => {
  await shelf.takeTrust(trust(1));
  await box.change<{ content: Bytes }>("trust", (kept) => ({ ...kept!, content: trust(1).slice(1) }));
  expect(await shelf.trust()).toBeNull();
});

test("an older status list never takes the place of a newer one", async () => {
  await shelf.takeTrust(trust(1));
  expect(await shelf.status(HUOQIU)).toEqual({ raw: null, atLeast: 0, issuedAt: null });
  await take(statuses(5));
  await take(statuses(4));
  expect(await shelf.status(HUOQIU)).toEqual({ raw: statuses(5), atLeast: 5, issuedAt: NOW });
  await take(statuses(6));
  expect(await shelf.status(HUOQIU)).toMatchObject({ raw: statuses(6), atLeast: 6 });
});

test("a status list of another issuer or year is not kept in this one's place", async () => {
  await shelf.takeTrust(trust(1));
  await expect(take(statuses(5, { year: 2025 }))).rejects.toBeInstanceOf(Refused);
  await expect(take(statuses(5, { issuer: "11320509MB0000001C" }))).rejects.toBeInstanceOf(Refused);
  expect((await shelf.status(HUOQIU)).raw).toBeNull();
});

test("a status list that must not be relied on is not kept", async () => {
  const { readStatusList } = await import("./status-list");
  await shelf.takeTrust(trust(1));
  vi.mocked(readStatusList).mockRejectedValueOnce(new StatusListError("signature"));
  await expect(take(statuses(5))).rejects.toBeInstanceOf(StatusListError);
  expect((await shelf.status(HUOQIU)).raw).toBeNull();
});

test("a list is wanted that is missing, that says something new, or that is a day old", async () => {
  await shelf.takeTrust(trust(1));
  expect(await shelf.wants(HUOQIU, 3, NOW)).toBe(true);
  await take(statuses(5), 3);
  expect(await shelf.wants(HUOQIU, 3, NOW + DAY - 1)).toBe(false);
  expect(await shelf.wants(HUOQIU, 4, NOW)).toBe(true);
  expect(await shelf.wants(HUOQIU, 3, NOW + DAY)).toBe(true);
});

test("who begins anew believes the next root", async () => {
  await shelf.takeTrust(trust(5));
  await shelf.forget();
  expect(await shelf.takeTrust(trust(1, { root: "b2" }))).toMatchObject({ root: "b2" });
});
