/**
 * Where a connection begins. Chromium believes at first that a line carries 300 kbps: it drops the
 * first pictures of a camera until they are small enough for that, and sends a key frame over half a
 * second. Told to begin at what a face needs, it sends the first picture whole; a line that carries
 * less is found out by its feedback as always. Other browsers pass the word over.
 */
export const START_KBPS = 1_000;

const CODECS = /^a=rtpmap:(\d+) (?:VP8|VP9|H264|AV1)\//i;
const SECTION = /^(?=m=)/m;

/** Write into the far side's description where the congestion control begins. */
export function startAt(sdp: string, kbps = START_KBPS): string {
  return sdp
    .split(SECTION)
    .map((section) => (section.startsWith("m=video") ? begin(section, `x-google-start-bitrate=${kbps}`) : section))
    .join("");
}

function begin(section: string, word: string): string {
  const lines = section.split("\r\n");
  const types = lines.flatMap((line) => CODECS.exec(line)?.[1] ?? []);
  const told = new Set<string>();
  const said = lines.map((line) => {
    const type = /^a=fmtp:(\d+) /.exec(line)?.[1];
    if (type === undefined || !types.includes(type)) return line;
    told.add(type);
    return `${line};${word}`;
  });
  return said
    .flatMap((line) => {
      const type = CODECS.exec(line)?.[1];
      return type === undefined || told.has(type) ? [line] : [line, `a=fmtp:${type} ${word}`];
    })
    .join("\r\n");
}
