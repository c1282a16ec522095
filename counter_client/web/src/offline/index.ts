/** What verifies without network: loaded apart from the page, which opens without it. */
import { openBox } from "./box";
import { Shelf } from "./shelf";

export { judgeByKept } from "./judge";
export { bringLists } from "./visit";

let opened: Promise<Shelf> | null = null;

/** The lists of this device. */
export function keptShelf(): Promise<Shelf> {
  opened ??= openBox().then((box) => new Shelf(box));
  return opened;
}
