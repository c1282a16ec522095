import { expect, test, vi } from "vitest";
import { judgeByKept } from "./judge";
import type { Shelf } from "./shelf";
import { judgeCode, type Standing } from "./standing";
import type { TrustList } from "./trust-list";

vi.mock("./standing", () => ({ judgeCode: vi.fn() }));

const NUMBER = "1.2.156.3005.2.11100000MB0000011U001.11341522MB0000001T.20260000001.001.6";
const CODE = `https://kuayu.example/v/${NUMBER}#token`;
const SOURCE = { raw: new Uint8Array([1]), atLeast: 5, issuedAt: 70 };

function shelfOf(trust: TrustList | null) {
  return { trust: async () => trust, status: vi.fn(async () => SOURCE) };
}
const judge = (shelf: ReturnType<typeof shelfOf>) => judgeByKept(shelf as unknown as Shelf, CODE, 99);

function says(standing: Partial<Standing>, number = NUMBER): void {
  vi.mocked(judgeCode).mockImplementation(async (_code, _trust, find) => {
    await find(number);
    return { claim: null, listedAt: null, ...standing } as Standing;
  });
}

test("a status list that is too old to say anything is still told the age of", async () => {
  const shelf = shelfOf({ issuedAt: 50, demo: true } as TrustList);
  says({ verdict: "cannot_tell", reason: "the_status_list_is_too_old" });
  expect(await judge(shelf)).toMatchObject({ verdict: "cannot_tell", listedAt: 70, trustedAt: 50, demo: true });
  expect(shelf.status).toHaveBeenCalledWith({ issuer: "11341522MB0000001T", year: 2026, serial: 1 });
  says({ verdict: "genuine", listedAt: 80 });
  expect(await judge(shelf)).toMatchObject({ verdict: "genuine", listedAt: 80 });
});

test("without lists, or for a number that is none, no age is told", async () => {
  const shelf = shelfOf(null);
  says({ verdict: "cannot_tell" }, "1.2.3");
  expect(await judge(shelf)).toMatchObject({ listedAt: null, trustedAt: null, demo: false });
  expect(shelf.status).not.toHaveBeenCalled();
});
