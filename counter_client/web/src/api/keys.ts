/** Idempotency keys: one per command, kept while its outcome is unknown. */
import { hex } from "./digest";

/** Return a new key, within the service's `A-Za-z0-9_-`, 8 to 64 characters. */
export function newKey(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

/**
 * Keys of commands whose answer never came. Sending the same command again takes the same key, so
 * that a click after a lost answer finds what the first click did.
 */
export class KeyRing {
  private readonly open = new Map<string, string>();

  /** Return the key for a command, told by its path and body. */
  take(path: string, body: string): string {
    const command = `${path}\n${body}`;
    const key = this.open.get(command) ?? newKey();
    this.open.set(command, key);
    return key;
  }

  /** Let go of a command's key: its outcome is known. */
  settle(path: string, body: string): void {
    this.open.delete(`${path}\n${body}`);
  }
}
