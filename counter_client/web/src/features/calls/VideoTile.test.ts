import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import VideoTile from "./VideoTile.vue";

afterEach(() => vi.restoreAllMocks());

test.each(["click", "keydown"])("who comes back hears the others with the first %s anywhere on the page", async (gesture) => {
  let isAllowed = false;
  vi.spyOn(HTMLMediaElement.prototype, "play").mockImplementation(async function (this: HTMLMediaElement) {
    if (!isAllowed && !this.muted) throw new DOMException("no gesture yet", "NotAllowedError");
  });
  const tile = mount(VideoTile, { props: { stream: null } });
  await tile.setProps({ stream: new MediaStream() });
  await flushPromises();
  const video = tile.get("video").element;
  expect([video.muted, tile.find('[data-testid="sound-resume"]').exists()]).toEqual([true, true]);
  isAllowed = true;
  document.body.dispatchEvent(new Event(gesture, { bubbles: true }));
  await flushPromises();
  expect([video.muted, tile.find('[data-testid="sound-resume"]').exists()]).toEqual([false, false]);
  tile.unmount();
});
