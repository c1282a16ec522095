/** What a page hears of its network and of its own end. */

interface Connection extends EventTarget {
  type?: string;
}

export interface Watcher {
  /** The way to the outside may be another one now. */
  changed: () => void;
  /** The page is about to go: what is open elsewhere for it can be closed. */
  leaving?: () => void;
}

/** Watch the network and the page; returns what stops it. */
export function watchNetwork({ changed, leaving = () => undefined }: Watcher): () => void {
  const connection = (navigator as { connection?: Connection }).connection;
  let type = connection?.type;
  // This event also comes whenever the estimated speed changes, several times a minute.
  const look = () => {
    if (connection?.type === type) return;
    type = connection?.type;
    changed();
  };
  window.addEventListener("online", changed);
  window.addEventListener("pagehide", leaving);
  connection?.addEventListener("change", look);
  return () => {
    window.removeEventListener("online", changed);
    window.removeEventListener("pagehide", leaving);
    connection?.removeEventListener("change", look);
  };
}
