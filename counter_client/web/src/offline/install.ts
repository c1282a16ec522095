/** Makes the verification page one that opens without network and can be put on the home screen. */

const HEAD = [
  { rel: "manifest", href: "/verify.webmanifest" },
  { rel: "apple-touch-icon", href: "/verify-192.png" },
];

/** Name the manifest, here only: the other pages are no such application. */
export function nameManifest(): void {
  for (const { rel, href } of HEAD) {
    if (document.head.querySelector(`link[rel="${rel}"]`)) continue;
    const link = document.createElement("link");
    link.rel = rel;
    link.href = href;
    document.head.append(link);
  }
}

/** Have the worker keep the page; says, once it does, whether it can. Without workers it cannot. */
export async function registerWorker(): Promise<boolean> {
  // A page under development is made of other files each time.
  if (!import.meta.env.PROD || !navigator.serviceWorker) return false;
  try {
    const how: RegistrationOptions = { scope: "/v", updateViaCache: "none" };
    const found = await navigator.serviceWorker.register("/verify-worker.js", how);
    return await Promise.race([navigator.serviceWorker.ready.then(() => true), isGivenUp(found)]);
  } catch {
    return false;
  }
}

/** Resolves, with false, once a first worker could not keep every file: `ready` would wait for ever. */
function isGivenUp({ installing, active }: ServiceWorkerRegistration): Promise<false> {
  return new Promise((resolve) => {
    const look = () => !active && installing?.state === "redundant" && resolve(false);
    installing?.addEventListener("statechange", look);
    look();
  });
}
