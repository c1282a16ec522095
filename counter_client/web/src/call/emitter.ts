/** A small typed emitter: whoever listens gets back what stops the listening. */
export class Emitter<Events> {
  private readonly listeners = new Map<keyof Events, Set<(object: never) => void>>();

  on<E extends keyof Events>(event: E, tell: (object: Events[E]) => void): () => void {
    const all = this.listeners.get(event) ?? new Set();
    all.add(tell as (object: never) => void);
    this.listeners.set(event, all);
    return () => all.delete(tell as (object: never) => void);
  }

  /** Tell nobody any more. */
  silence(): void {
    this.listeners.clear();
  }

  protected tell<E extends keyof Events>(event: E, object: Events[E]): void {
    for (const listener of this.listeners.get(event) ?? []) {
      (listener as (object: Events[E]) => void)(object);
    }
  }
}
