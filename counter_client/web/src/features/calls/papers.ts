/** Papers under a second camera, shown to the others of the call. */
import { useCall } from "@/stores/call";
import { useMedia } from "@/stores/media";
import { sayHint } from "@/ui/say";
import { problemWords } from "./problems";

/** Open the camera and share what it sees; say in words why it does not open. */
export async function showPapers(cameraId: string): Promise<void> {
  const opened = await useMedia().openDocument(cameraId);
  if (typeof opened === "string") sayHint(problemWords("document", opened));
  else if (opened !== null) await useCall().share("document", opened);
}
