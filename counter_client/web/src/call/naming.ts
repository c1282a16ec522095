/**
 * Streams are named `<seat>:<kind>` in the SDP's msid, so that every end knows whose picture it is
 * and what it shows. Browsers choose stream ids themselves, so the name goes in on the way out.
 */
export type Kind = "camera" | "screen" | "document";

export interface StreamName {
  seat: string;
  kind: Kind;
}

const KINDS: readonly string[] = ["camera", "screen", "document"];

export function nameOf(seat: string, kind: Kind): string {
  return `${seat}:${kind}`;
}

/** Whose stream this is; null for a name that is none of ours. */
export function readName(id: string): StreamName | null {
  const [seat, kind] = id.split(":");
  if (!seat || !kind || !KINDS.includes(kind)) return null;
  return { seat, kind: kind as Kind };
}

/** Write our names in place of the browser's stream ids. */
export function nameStreams(sdp: string, names: ReadonlyMap<string, string>): string {
  return sdp.replace(/^(a=(?:ssrc:\d+ )?msid:)(\S+)/gm, (line, head: string, id: string) => {
    const name = names.get(id);
    return name === undefined ? line : head + name;
  });
}

/** The certificate of the connection that an SDP describes; null where it names none. */
export function fingerprintOf(sdp: string): string | null {
  return /^a=fingerprint:\S+ (\S+)/m.exec(sdp)?.[1]?.toUpperCase() ?? null;
}

/** The ICE user fragment of a description: another one means that new ways are sought. */
export function fragmentOf(sdp: string): string | null {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? null;
}
