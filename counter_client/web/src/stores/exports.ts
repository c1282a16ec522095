/** The export of the call whose recording is open: one film of both sides, and how far it is. */
import { defineStore } from "pinia";
import { ref, shallowRef } from "vue";
import { get, post } from "@/api/http";
import type { ExportJob } from "@/api/shapes";
import { useLine } from "./line";

export const useExports = defineStore("exports", () => {
  const line = useLine();
  const callId = ref("");
  const job = shallowRef<ExportJob | null>(null);

  /** Follow a call's export from now on. */
  async function follow(id: string): Promise<void> {
    if (callId.value !== id) job.value = null;
    callId.value = id;
    await refresh();
  }

  async function refresh(): Promise<void> {
    const id = callId.value;
    if (id === "") return;
    const found = await get<ExportJob | null>(`/api/calls/${id}/export`);
    if (callId.value === id) job.value = found;
  }

  /** Have the film made, or be one of those who may take it away. */
  async function request(reason: string): Promise<void> {
    job.value = await post<ExportJob>(`/api/calls/${callId.value}/export`, { reason });
  }

  async function cancel(): Promise<void> {
    if (job.value !== null) job.value = await post<ExportJob>(`/api/exports/${job.value.id}/cancel`);
  }

  const lookAgain = () => void refresh().catch(() => undefined);
  line.onUp(lookAgain);
  line.on("export.changed", (news) => {
    if (news.call_id !== callId.value) return;
    if (job.value?.id === news.export_id && job.value.state === news.state) {
      job.value = { ...job.value, progress: news.progress };
    } else lookAgain();
  });

  return { job, follow, request, cancel };
});
