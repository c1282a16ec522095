/**
 * A call begins: its first picture comes before everything else that a page and the service could do
 * just then. What can wait awaits `calm`, which comes with the picture, or soon without one.
 */
export const RUSH_LASTS = 600;

let over: Promise<void> = Promise.resolve();
let end: () => void = () => undefined;

export function beginRush(): void {
  endRush();
  over = new Promise((done) => {
    const timer = setTimeout(done, RUSH_LASTS);
    end = () => {
      clearTimeout(timer);
      done();
    };
  });
}

export function endRush(): void {
  end();
}

/** Wait until no call is just beginning. */
export function calm(): Promise<void> {
  return over;
}

/** Make of many wishes, while one is being fulfilled, one more. */
export function inTurn(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let again = false;
  async function run(): Promise<void> {
    while (again) {
      again = false;
      await work();
    }
  }
  return () => {
    again = true;
    running ??= run().finally(() => (running = null));
    return running;
  };
}
