/** What the form of the register asks for. Plain functions. */
import type { Item, RegisterQuery, Standing } from "../../api/shapes";

export interface Asked {
  number: string;
  issuer: string;
  kind: string;
  standing: Standing | "";
  issuedFrom: string;
  issuedTo: string;
  issuedBy: string;
  idNumber: string;
}

export const NOTHING: Asked = {
  number: "", issuer: "", kind: "", standing: "", issuedFrom: "", issuedTo: "", issuedBy: "", idNumber: "",
};

export function queryOf(asked: Asked): RegisterQuery {
  return {
    number: asked.number.trim(),
    issuer: asked.issuer.trim(),
    kind: asked.kind,
    standing: asked.standing || null,
    issued_from: asked.issuedFrom || null,
    issued_to: asked.issuedTo || null,
    issued_by: asked.issuedBy.trim(),
    id_number: asked.idNumber.trim(),
    after: null,
  };
}

export const asksAnything = (asked: Asked) => Object.values(asked).some((one: string) => one.trim() !== "");

/** Every kind of certificate once, by its newest title. */
export function kindsOf(items: Item[]): { kind: string; title: string }[] {
  const titles = new Map(items.flatMap((item) => item.certificates).map(({ kind, title }) => [kind, title]));
  return [...titles].map(([kind, title]) => ({ kind, title }));
}

/** The number of a copy, which ends the name that the service gives its file: NUMBER-3.pdf. */
export function copyOf(name: string): number {
  return Number(/-(\d+)\.pdf$/.exec(name)?.[1] ?? 0);
}

/** Offer a file that was fetched for keeping, under a name. */
export function keep(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun by then; without this the file stays in memory as long as the page.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
