/** What a clerk and the citizen read of a poor line. */
import type { Rung } from "@/call/ladder";

/** Say what is done about a line, `whose` it is said before; nothing where nothing is done. */
export function reducedWords(whose: string, sends: Rung | undefined): string {
  switch (sends) {
    case "reduced":
      return `${whose}线路较差，已降低清晰度`;
    case "voice":
      return `${whose}线路很差，已转为仅语音，画面将自动恢复；办件不受影响`;
    default:
      return "";
  }
}

/** Say that a paper or a screen stands still, whose sender's line carries the voice only. */
export function stoppedWords(sends: Rung | undefined): string {
  return sends === "voice" ? "线路很差，此画面已停住" : "";
}

/** What the screen before the citizen says of lines: the other hall's line, then this counter's. */
export function citizenWords(theirs: Rung, ours: Rung): string {
  if (theirs === "voice") return "线路不好，暂时只有声音，画面会自动恢复，您的办件不会丢失";
  if (ours === "voice") return "线路不好，对方暂时只听得到声音，画面会自动恢复，您的办件不会丢失";
  if (theirs === "reduced" || ours === "reduced") return "线路不太好，画面已调小一些，办理不受影响";
  return "";
}
