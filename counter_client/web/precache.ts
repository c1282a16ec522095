/** Builds the verification page's worker, and tells it which files that page is made of. */
import { createHash } from "node:crypto";
import type { Plugin, Rollup } from "vite";

export const WORKER = "verify-worker";
const PLACE = "VERIFY_BUILD";
const PAGE = /\/pages\/VerifyPage\.vue$/;

/** As much of a built chunk as this needs. */
export interface Chunk {
  fileName: string;
  isEntry: boolean;
  facadeModuleId: string | null;
  imports: string[];
  dynamicImports: string[];
  viteMetadata?: { importedCss: Set<string>; importedAssets: Set<string> };
}

/**
 * Return the files that the verification page needs: the entry's, the page's, and those of what the
 * page loads later on. What the entry loads later on are the other pages.
 */
export function filesOf(chunks: Chunk[]): string[] {
  const named = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const entry = chunks.find((chunk) => chunk.isEntry && !chunk.fileName.startsWith(WORKER));
  const page = chunks.find((chunk) => PAGE.test(chunk.facadeModuleId ?? ""));
  if (!entry || !page) throw new Error("no entry, or no verification page");
  const found = new Set<Chunk>();

  function add(name: string, follows: boolean): void {
    const chunk = named.get(name);
    if (!chunk || found.has(chunk)) return;
    found.add(chunk);
    chunk.imports.forEach((other) => add(other, follows));
    if (follows) chunk.dynamicImports.forEach((other) => add(other, follows));
  }
  add(entry.fileName, false);
  add(page.fileName, true);
  const files = [...found].flatMap(({ fileName, viteMetadata }) => [
    fileName,
    ...(viteMetadata?.importedCss ?? []),
    ...(viteMetadata?.importedAssets ?? []),
  ]);
  return [...new Set(files)].map((name) => `/${name}`).sort();
}

/** Fill the list of files, and a version that changes with any of them, into the worker. */
export function precache(): Plugin {
  return {
    name: "kuayu:precache",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const chunks = Object.values(bundle).filter((one): one is Rollup.OutputChunk => one.type === "chunk");
        const worker = chunks.find((chunk) => chunk.name === WORKER);
        if (!worker?.code.includes(PLACE)) throw new Error("the worker has no place for its files");
        if (worker.imports.length || worker.exports.length) throw new Error("the worker must be one file");
        const files = filesOf(chunks);
        const page = bundle["index.html"];
        const version = createHash("sha256").update(files.join("\n"));
        if (page?.type === "asset") version.update(page.source);
        const build = { version: version.digest("hex").slice(0, 16), files };
        worker.code = worker.code.replaceAll(PLACE, JSON.stringify(build));
      },
    },
  };
}
