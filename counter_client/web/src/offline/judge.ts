/** A QR code judged by the lists on this device, and how old these are. */
import { placeOf } from "./numbers";
import type { Shelf } from "./shelf";
import { judgeCode, type Standing } from "./standing";

export interface OfflineFinding extends Standing {
  /** When the trust list was made; null without one. */
  trustedAt: number | null;
  /** The lists are of the demonstration, and so is the certificate. */
  demo: boolean;
}

/** Judge what a QR code holds by what is kept; without lists nothing can be told. */
export async function judgeByKept(shelf: Shelf, code: string, now: number): Promise<OfflineFinding> {
  const trust = await shelf.trust();
  let keptAt: number | null = null;
  const found = await judgeCode(
    code,
    trust,
    async (number) => {
      const place = placeOf(number);
      if (!place) return { raw: null, atLeast: 0 };
      const source = await shelf.status(place);
      keptAt = source.issuedAt;
      return source;
    },
    now,
  );
  // A list that is too old says nothing, and still it is worth knowing how old it is.
  const listedAt = found.listedAt ?? keptAt;
  return { ...found, listedAt, trustedAt: trust?.issuedAt ?? null, demo: trust?.demo ?? false };
}
