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
    await navigator.serviceWorker.register("/verify-worker.js", { scope: "/v", updateViaCache: "none" });
    await navigator.serviceWorker.ready;
    return true;
  } catch {
    return false;
  }
}
