// @vitest-environment node
import { expect, test } from "vitest";
import { filesOf, type Chunk } from "../../precache";

function chunk(fileName: string, more: Partial<Chunk> & { css?: string[] } = {}): Chunk {
  const { css = [], ...rest } = more;
  return {
    fileName,
    isEntry: false,
    facadeModuleId: null,
    imports: [],
    dynamicImports: [],
    viteMetadata: { importedCss: new Set(css), importedAssets: new Set() },
    ...rest,
  };
}

const PAGES = ["assets/VerifyPage.js", "assets/Workbench.js"];
const CHUNKS = [
  chunk("verify-worker.js", { isEntry: true }),
  chunk("assets/index.js", {
    isEntry: true, imports: ["assets/vue.js"], dynamicImports: PAGES, css: ["assets/index.css"],
  }),
  chunk("assets/vue.js"),
  chunk("assets/VerifyPage.js", {
    facadeModuleId: "/src/pages/VerifyPage.vue",
    imports: ["assets/index.js", "assets/time.js"],
    dynamicImports: ["assets/scanner.js"],
    css: ["assets/VerifyPage.css"],
  }),
  chunk("assets/time.js"),
  chunk("assets/scanner.js", { imports: ["assets/qr.js"] }),
  chunk("assets/qr.js"),
  chunk("assets/Workbench.js", { imports: ["assets/call.js"] }),
  chunk("assets/call.js"),
];

test("the page is made of the entry's files, its own, and what it loads later on: no other page's", () => {
  expect(filesOf(CHUNKS)).toEqual([
    "/assets/VerifyPage.css", "/assets/VerifyPage.js", "/assets/index.css", "/assets/index.js",
    "/assets/qr.js", "/assets/scanner.js", "/assets/time.js", "/assets/vue.js",
  ]);
});

test("a build without the page is an error", () => {
  expect(() => filesOf(CHUNKS.slice(0, 3))).toThrow("no verification page");
});
