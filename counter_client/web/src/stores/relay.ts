/** This tab's leg: opened when a call is near, so that pictures are there when it begins. */
import { defineStore } from "pinia";
import { markRaw, ref } from "vue";
import type { Near } from "@/api/notices";
import { watchNetwork } from "@/call/network";
import { Relay, type RelayState } from "@/call/relay";
import { useLine } from "./line";

/** Between a wait and its call there may be a moment in which nothing seems near. */
const LINGERS = 3_000;

export const useRelay = defineStore("relay", () => {
  const line = useLine();
  let releasing: ReturnType<typeof setTimeout> | undefined;
  const state = ref<RelayState>("closed");
  const relay = markRaw(new Relay({ say: line.send, sends: true }));

  relay.follow(line.on);
  relay.on("state", (now) => (state.value = now));
  line.onUp(() => relay.resume());
  watchNetwork({ changed: () => relay.renew(), leaving: () => relay.release() });

  /** Be ready for what is near; undefined: nothing is. */
  function want(near: Near | undefined): void {
    clearTimeout(releasing);
    if (near === undefined) releasing = setTimeout(() => relay.release(), LINGERS);
    else relay.want(near);
  }

  return { state, relay, want };
});
