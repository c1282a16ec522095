/** Asking for a second clerk's look, from wherever that is the next thing to do. */
import { useReviews } from "@/stores/reviews";
import { attempt, sayDone } from "@/ui/say";

/** Put what is to be issued before a second clerk, and say whether it is there now. */
export async function askReview(kind: string): Promise<void> {
  if (await attempt(() => useReviews().ask(kind, ""))) sayDone("已提请复核，同事和值班长会立即看到");
}
