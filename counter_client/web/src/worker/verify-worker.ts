/** The worker of /verify and /v/…, served as /verify-worker.js; precache.ts fills in what was built. */
import { Serving, type Build } from "./serving";

declare const VERIFY_BUILD: Build;

/** What happens to a service worker; TypeScript keeps these types apart from a page's. */
interface Moment extends globalThis.Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Asking extends Moment {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  clients: { claim(): Promise<void> };
  addEventListener(name: "install" | "activate", hear: (moment: Moment) => void): void;
  addEventListener(name: "fetch", hear: (asking: Asking) => void): void;
}

const scope = globalThis as unknown as Scope;
const serving = new Serving(
  {
    caches,
    fetch: (asked) => fetch(asked),
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    origin: location.origin,
  },
  VERIFY_BUILD,
);

scope.addEventListener("install", (moment) => moment.waitUntil(serving.install()));
scope.addEventListener("activate", (moment) =>
  // The page that brought us is served too, so that it may load its scanner without network.
  moment.waitUntil(serving.activate().then(() => scope.clients.claim())),
);
scope.addEventListener("fetch", (asking) => {
  const answer = serving.answer(asking.request);
  if (answer) asking.respondWith(answer);
});
