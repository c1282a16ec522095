// @vitest-environment node
/** Questions that Python has answered (tests/support/verdict_vectors.py): the same answers here. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Bytes } from "./bytes";
import { Refused } from "./cbor";
import { judgeCode } from "./standing";
import { openTrustList } from "./trust-list";

interface Vectors {
  lists: string[];
  cases: {
    name: string;
    code: string;
    /** The fingerprint of the root that is believed. */
    root: string;
    trust: number;
    status: number | null;
    now: number;
    atLeast: number;
    says: object;
  }[];
}

const path = process.env.KUAYU_VECTORS;

test.skipIf(!path)("every verdict is the one that Python gives", async () => {
  const vectors = JSON.parse(readFileSync(path!, "utf8")) as Vectors;
  const lists = vectors.lists.map((text): Bytes => new Uint8Array(Buffer.from(text, "base64")));
  const wrong: unknown[] = [];
  for (const one of vectors.cases) {
    const raw = one.status === null ? null : lists[one.status]!;
    const says = await answer(one.code, lists[one.trust]!, one.root, raw, one.now, one.atLeast);
    try {
      expect(says).toEqual(one.says);
    } catch {
      wrong.push({ name: one.name, browser: says, python: one.says });
    }
  }
  expect(wrong).toEqual([]);
  console.log(`${vectors.cases.length} agree`);
}, 60_000);

async function answer(
  code: string,
  list: Bytes,
  root: string,
  raw: Bytes | null,
  now: number,
  atLeast: number,
): Promise<object> {
  try {
    const trust = await openTrustList(list, root);
    const { verdict, reason, claim } = await judgeCode(code, trust, async () => ({ raw, atLeast }), now);
    return { verdict, reason, claim };
  } catch (error) {
    if (error instanceof Refused) return { refused: true };
    throw error;
  }
}
