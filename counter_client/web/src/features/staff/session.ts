/** Staff pages need a login and its line; whoever has none is sent to sign in and back. */
import { watch } from "vue";
import type { Router } from "vue-router";
import { ApiError } from "@/api/errors";
import { whenSignedOut } from "@/api/http";
import { calm } from "@/call/rush";
import { useLine } from "@/stores/line";
import { useMe } from "@/stores/me";
import { sayFailure } from "@/ui/say";
import { homeOf } from "./home";

/**
 * Guard the staff pages of a router. Call it after Pinia is there. Whoever comes in after a login has
 * ended comes to a page that is loaded anew: it shows, and resumes, only what is theirs.
 */
export function guardStaffPages(
  router: Router, loadAnew: (path: string) => void = (path) => location.replace(path),
): void {
  const me = useMe();
  const line = useLine();

  function leave(): void {
    if (me.clerk === null) return;
    me.forget();
    toLogin("ended");
  }

  function toLogin(why?: string): void {
    const here = router.currentRoute.value;
    if (!here.meta.staff) return;
    void router.replace({ path: "/login", query: { after: here.fullPath, ...(why && { why }) } });
  }

  whenSignedOut(leave);
  line.on("login.ended", leave);
  watch(
    () => line.refusal,
    (why) => why && sayFailure(why),
  );

  /**
   * Ask whose login the browser has now. It may have ended, where the service took the line for
   * nobody's; or another tab signed somebody else in while this one could hear nothing of it.
   */
  async function checkLogin(): Promise<void> {
    const before = me.clerk?.id;
    await calm();
    await me.load().catch(() => undefined);
    if (before !== undefined && me.clerk !== null && me.clerk.id !== before) loadAnew(homeOf(me.clerk));
  }

  /** The first time the router has just asked. */
  let wasUp = false;
  line.onUp(() => {
    if (wasUp) void checkLogin();
    wasUp = true;
  });

  router.beforeEach(async (to) => {
    if (!to.meta.staff) return true;
    if (me.isSpent) {
      loadAnew(to.fullPath);
      return false;
    }
    if (me.clerk === null) {
      try {
        await me.load();
      } catch (error) {
        const isOut = error instanceof ApiError && error.status === 401;
        return { path: "/login", query: { after: to.fullPath, ...(!isOut && { why: "lost" }) } };
      }
    }
    line.open(() => void checkLogin());
    return true;
  });
}
