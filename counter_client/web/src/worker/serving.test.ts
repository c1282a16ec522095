// @vitest-environment node
import { beforeEach, expect, test } from "vitest";
import { Serving, type World } from "./serving";

const ORIGIN = "https://kuayu.example";
const HTML = '<script src="/assets/index-1.js"></script>';
const BUILD = { version: "v2", files: ["/assets/index-1.js", "/assets/scanner-1.js"] };

/** Caches by their names, and a network of paths. */
class Net {
  caches = new Map<string, Map<string, Response>>();
  answers: Record<string, () => Response | Promise<Response>> = {
    "/verify": () => new Response(HTML),
    "/assets/index-1.js": () => new Response("index"),
    "/assets/scanner-1.js": () => new Response("scanner"),
  };
  asked: string[] = [];
  isPatient = true;

  world: World = {
    caches: {
      open: async (name) => this.cache(name),
      keys: async () => [...this.caches.keys()],
      delete: async (name) => this.caches.delete(name),
    },
    fetch: async (asked) => {
      const path = new URL(asked.url).pathname;
      this.asked.push(path);
      const answer = this.answers[path];
      if (!answer) throw new TypeError("Failed to fetch");
      return answer();
    },
    pause: () => (this.isPatient ? new Promise(() => undefined) : Promise.resolve()),
    origin: ORIGIN,
  };

  cache(name: string): Cache {
    const kept = this.caches.get(name) ?? new Map<string, Response>();
    this.caches.set(name, kept);
    const cache: Pick<Cache, "match" | "put"> = {
      match: async (path) => kept.get(String(path))?.clone(),
      put: async (path, response) => void kept.set(String(path), response),
    };
    return cache as Cache;
  }

  kept(name: string): string[] {
    return [...(this.caches.get(name)?.keys() ?? [])].sort();
  }
}

let net: Net;
let serving: Serving;

beforeEach(() => {
  net = new Net();
  serving = new Serving(net.world, BUILD);
});

function asks(path: string, more: { mode?: string; method?: string } = {}): Request {
  const request = new Request(new URL(path, ORIGIN), { method: more.method ?? "GET" });
  return Object.defineProperty(request, "mode", { value: more.mode ?? "cors" });
}
const opens = (path: string) => serving.answer(asks(path, { mode: "navigate" }))!;

test("the page and exactly its files are kept", async () => {
  await serving.install();
  expect(net.kept("verify-v2")).toEqual(["/assets/index-1.js", "/assets/scanner-1.js", "/verify"]);
});

test("where one file is missing nothing is kept", async () => {
  net.answers["/assets/scanner-1.js"] = () => new Response("", { status: 404 });
  await expect(serving.install()).rejects.toThrow("404");
  expect(net.caches.has("verify-v2")).toBe(false);
});

test("a page of another build, which asks for other files, is not kept", async () => {
  net.answers["/verify"] = () => new Response(HTML.replace("index-1", "index-2"));
  await expect(serving.install()).rejects.toThrow("another build");
  expect(net.caches.has("verify-v2")).toBe(false);
});

test("a portal's page in the place of ours is not kept", async () => {
  net.answers["/verify"] = () => new Response("<h1>欢迎使用无线网络</h1>");
  await expect(serving.install()).rejects.toThrow("another build");
});

test("what earlier versions kept is dropped, and nobody else's", async () => {
  net.cache("verify-v1");
  net.cache("something-else");
  await serving.install();
  await serving.activate();
  expect([...net.caches.keys()].sort()).toEqual(["something-else", "verify-v2"]);
});

test("with network the page is the network's, for it may be newer", async () => {
  await serving.install();
  net.answers["/v/1.2.156"] = () => new Response("newer");
  expect(await (await opens("/v/1.2.156")).text()).toBe("newer");
  expect(net.kept("verify-v2")).not.toContain("/v/1.2.156");
});

test("without network every address of the page opens the one that is kept", async () => {
  await serving.install();
  net.answers = {};
  expect(await (await opens("/v/1.2.156?x#token")).text()).toBe(HTML);
  expect(await (await opens("/verify")).text()).toBe(HTML);
});

test("a network that says nothing, or only that it is broken, is none", async () => {
  await serving.install();
  net.answers["/verify"] = () => new Response("bad gateway", { status: 502 });
  expect(await (await opens("/verify")).text()).toBe(HTML);
  net.answers["/verify"] = () => new Promise(() => undefined);
  net.isPatient = false;
  expect(await (await opens("/verify")).text()).toBe(HTML);
});

test("without network and with nothing kept the browser says so itself", async () => {
  net.answers = {};
  await expect(opens("/verify")).rejects.toThrow("Failed to fetch");
});

test("a file that is kept is not asked for again", async () => {
  await serving.install();
  net.asked = [];
  const answer = await serving.answer(asks("/assets/scanner-1.js"));
  expect(await answer!.text()).toBe("scanner");
  expect(net.asked).toEqual([]);
});

test("the worker has no part in the API, in other files, other hosts and commands", () => {
  for (const path of ["/api/trust-list", "/api/status-lists", "/assets/WorkbenchPage-1.js", "/favicon.svg"]) {
    expect(serving.answer(asks(path))).toBeNull();
  }
  expect(serving.answer(asks("https://other.example/assets/index-1.js"))).toBeNull();
  for (const path of ["/api/verify/qr", "/assets/index-1.js"]) {
    expect(serving.answer(asks(path, { method: "POST" }))).toBeNull();
  }
});
