/** A page that was opened before the service was upgraded: what it would load next is gone from there. */
import type { Router } from "vue-router";
import { ApiError } from "@/api/errors";
import { sayFailure } from "@/ui/say";

/** Open anew the page that could not be loaded, by the build that the service has now. */
export function followUpgrades(
  router: Router,
  open = (path: string) => window.location.assign(path),
): void {
  router.onError((_error, to, from) => {
    // What fails at once after opening would fail again, for ever.
    if (from.matched.length > 0) void reopen(to.fullPath, open);
  });
}

/** Without network nothing is opened: the browser would put its own page in the place of ours. */
async function reopen(path: string, open: (path: string) => void): Promise<void> {
  try {
    const answer = await fetch(path, { cache: "no-store" });
    if (answer.ok) open(path);
    else sayFailure(new ApiError("server.busy", answer.status));
  } catch {
    sayFailure(new ApiError("network.lost", 0));
  }
}
