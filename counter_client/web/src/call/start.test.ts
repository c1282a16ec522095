import { describe, expect, it } from "vitest";
import { START_KBPS, startAt } from "./start";

const AUDIO = "v=0\r\nm=audio 9 UDP 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n";
const word = `x-google-start-bitrate=${START_KBPS}`;

describe("where a connection begins", () => {
  it("is said of every picture's codec, beside what else is said of it", () => {
    const said = startAt(`${AUDIO}m=video 9 UDP 96 97 98\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n` +
      "a=fmtp:97 apt=96\r\na=rtpmap:98 H264/90000\r\na=fmtp:98 packetization-mode=1\r\n");
    expect(said).toBe(`${AUDIO}m=video 9 UDP 96 97 98\r\na=rtpmap:96 VP8/90000\r\na=fmtp:96 ${word}\r\na=rtpmap:97 rtx/90000\r\n` +
      `a=fmtp:97 apt=96\r\na=rtpmap:98 H264/90000\r\na=fmtp:98 packetization-mode=1;${word}\r\n`);
  });

  it("is nothing that voices hear of", () => {
    expect(startAt(AUDIO)).toBe(AUDIO);
  });
});
