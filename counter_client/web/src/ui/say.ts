/** Words to the person: what failed, what was done, and questions before what cannot be undone. */
import { ElMessage, ElMessageBox } from "element-plus";
import { explain } from "./errors";

/** Tell of a failure, in words and long enough to be read. */
export function sayFailure(error: unknown): void {
  ElMessage({ type: "error", message: explain(error), duration: 8_000, showClose: true, grouping: true });
}

export function sayDone(message: string): void {
  ElMessage({ type: "success", message, duration: 3_000, grouping: true });
}

export function sayHint(message: string): void {
  ElMessage({ type: "info", message, duration: 5_000, showClose: true, grouping: true });
}

/** Ask before something that cannot be undone; false when the person thinks better of it. */
export async function confirmed(title: string, message: string, yes: string): Promise<boolean> {
  try {
    await ElMessageBox.confirm(message, title, {
      confirmButtonText: yes,
      cancelButtonText: "再想一想",
      type: "warning",
      closeOnClickModal: false,
    });
    return true;
  } catch {
    return false;
  }
}

function wordsFault(text: string, missing: string, most: number): true | string {
  const length = [...text.trim()].length;
  if (length === 0) return missing;
  return length <= most || `最多 ${most} 字，现在有 ${length} 字`;
}

/** Ask for some words before a command, no more than the service takes; null when the person thinks better of it. */
export async function askedFor(
  title: string, message: string, yes: string, missing: string, most: number,
): Promise<string | null> {
  try {
    const { value } = await ElMessageBox.prompt(message, title, {
      confirmButtonText: yes,
      cancelButtonText: "再想一想",
      closeOnClickModal: false,
      inputValidator: (text: string) => wordsFault(text ?? "", missing, most),
    });
    return value.trim();
  } catch {
    return null;
  }
}

/** Run a command and tell of its failure; undefined when it failed. */
export async function attempt<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    sayFailure(error);
    return undefined;
  }
}
