import { afterEach, expect, test, vi } from "vitest";
import { registerWorker } from "./install";

class Worker extends EventTarget {
  state = "installing";
  becomes(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}

function browser(installing: Worker, active: Worker | null): void {
  vi.stubEnv("PROD", true);
  const register = async () => ({ installing, active });
  vi.stubGlobal("navigator", { serviceWorker: { register, ready: active ? Promise.resolve() : never } });
}

const never = new Promise<unknown>(() => undefined);

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

test("a worker that could not keep every file cannot open the page, which says so", async () => {
  const worker = new Worker();
  browser(worker, null);
  const opens = registerWorker();
  await Promise.resolve();
  worker.becomes("redundant");
  expect(await opens).toBe(false);
});

test("a worker that keeps the page can, also while a newer one could not be brought", async () => {
  const newer = new Worker();
  browser(newer, new Worker());
  const opens = registerWorker();
  newer.becomes("redundant");
  expect(await opens).toBe(true);
});

test("a browser without workers cannot", async () => {
  vi.stubEnv("PROD", true);
  vi.stubGlobal("navigator", {});
  expect(await registerWorker()).toBe(false);
});
