/** Stills: this counter's camera answers the request, and whoever asked hears what became of it. */
import { ref, watch } from "vue";
import { create, upload } from "@/api/http";
import type { Material, Still } from "@/api/shapes";
import { takeStill } from "@/call/still";
import { useCall } from "@/stores/call";
import { useMedia } from "@/stores/media";
import { sayDone, sayFailure, sayHint } from "@/ui/say";

/** The counter sees the shutter this long before it closes, and may refuse. */
export const SHUTTER = 1_500;
/** The service ends a request after five seconds. */
const LONGEST = 9_000;

/** Answer the requests that come to this seat. Use it once, where the call is shown. */
export function useStillAnswers() {
  const call = useCall();
  const media = useMedia();
  const isTaking = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

  watch(
    () => call.wanted?.id,
    (id) => {
      clearTimeout(timer);
      if (id !== undefined && call.wanted !== null) timer = setTimeout(take, SHUTTER, call.wanted);
    },
  );

  /** The document camera if it is on, else the counter's own. */
  function trackForStill(): MediaStreamTrack | string {
    const paper = media.document?.getVideoTracks()[0];
    if (paper?.readyState === "live") return paper;
    const track = media.cameraTrack;
    if (track === null || track.readyState !== "live") return "窗口没有可用的摄像头";
    return track.enabled ? track : "窗口的摄像头已关闭";
  }

  async function take(still: Still): Promise<void> {
    const track = trackForStill();
    if (typeof track === "string") {
      await refuse(track);
      sayHint(`${track}，没有拍摄。请在“材料”中上传。`);
      return;
    }
    isTaking.value = true;
    try {
      const { blob } = await takeStill(track);
      const query = new URLSearchParams({ kind: still.kind, origin: "still", still_id: still.id });
      await upload<Material>(`/api/cases/${still.case_id}/materials?${query}`, blob);
    } catch (error) {
      sayFailure(error);
    } finally {
      isTaking.value = false;
      if (call.wanted?.id === still.id) call.wanted = null;
    }
  }

  async function refuse(reason: string): Promise<void> {
    clearTimeout(timer);
    try {
      await call.refuseStill(reason);
    } catch (error) {
      sayFailure(error);
    }
  }

  return { isTaking, refuse };
}

/** Ask for stills and tell what became of them. */
export function useStillRequests() {
  const call = useCall();
  const asked = ref<Still | null>(null);
  const isAsking = ref(false);

  async function ask(kind: string): Promise<void> {
    if (asked.value !== null || isAsking.value || call.call === null) return;
    isAsking.value = true;
    try {
      const path = `/api/calls/${call.call.id}/stills`;
      asked.value = await create<Still>(path, { kind, remark: "" });
      if (call.closedStill !== null) settle(call.closedStill);
      if (asked.value !== null) setTimeout(giveUp, LONGEST, asked.value);
    } catch (error) {
      sayFailure(error);
    } finally {
      isAsking.value = false;
    }
  }

  /** The notice of its end was lost: the materials show what became of it. */
  function giveUp(still: Still): void {
    if (asked.value?.id === still.id) asked.value = null;
  }

  function settle(still: Still): void {
    if (still.id !== asked.value?.id) return;
    asked.value = null;
    if (still.state === "filed") sayDone("已拍摄并存入材料");
    else if (still.state === "refused") sayHint("窗口没有拍摄。办件没有改变，可请窗口说明原因或改为上传。");
    else sayHint("窗口 5 秒内没有应答。办件没有改变，请再按一次，或请窗口改为上传。");
  }

  watch(
    () => call.closedStill,
    (still) => {
      if (still !== null) settle(still);
    },
  );
  watch(
    () => call.isOn,
    (on) => {
      if (!on) asked.value = null;
    },
  );

  return { asked, isAsking, ask };
}
