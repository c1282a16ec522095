/** What a device check says, in plain words with what to do. */
import type { Tried } from "@/api/shapes";
import { type Figures, type Found, isEnough, LEAST_KBPS, LONGEST_ROUND_TRIP, MOST_LOSS } from "@/call/probe";

export interface Said {
  words: string;
  /** What to do about it; empty where all is well. */
  advice: string;
  tone: "good" | "poor" | "plain";
}

const speed = (kbps: number) =>
  kbps >= 1_000 ? `${(kbps / 1_000).toFixed(1)} Mbps` : `${kbps} kbps`;
const percent = (share: number) => `${(share * 100).toFixed(1)}%`;

/** Words for the way to a media worker. */
export function networkWords(found: Found | null, inCall: boolean): Said {
  if (found === null) return { words: "正在测量，约需 6 秒…", advice: "", tone: "plain" };
  switch (found.network) {
    case "measured":
      return figuresWords(found.figures);
    case "direct":
      return { words: "没有媒体服务器，通话由双方直接连接，网络没有测量。", advice: "", tone: "plain" };
    case "unreachable":
      return {
        words: "连不上媒体服务器：较差",
        advice: "网络没有放行视频。请把这句话告诉网络管理员：放行本机到媒体服务器的 UDP 端口。",
        tone: "poor",
      };
    case "untried":
      return inCall
        ? { words: "正在通话，网络好坏见画面上方的信号格。", advice: "", tone: "plain" }
        : { words: "这次没有测完。", advice: "请按“重新测量”；也可以直接继续。", tone: "plain" };
  }
}

function figuresWords(one: Figures): Said {
  const lost = Math.max(one.up_loss, one.down_loss);
  const said = `上行 ${speed(one.up_kbps)}，下行 ${speed(one.down_kbps)}，丢包 ${percent(lost)}，往返 ${one.round_trip_ms} 毫秒`;
  if (isEnough(one)) return { words: `${said}：良好`, advice: "", tone: "good" };
  return { words: `${said}：较差`, advice: networkAdvice(one), tone: "poor" };
}

function networkAdvice(one: Figures): string {
  if (Math.min(one.up_kbps, one.down_kbps) < LEAST_KBPS) {
    return "带宽不够，画面会不清楚。请关闭正在下载或看视频的程序，改用网线后重新测量。";
  }
  if (Math.max(one.up_loss, one.down_loss) >= MOST_LOSS) {
    return "丢包较多，声音会断续。请改用网线，或离无线路由器近一些，再重新测量。";
  }
  if (one.round_trip_ms > LONGEST_ROUND_TRIP) {
    return "线路太慢，对话会有停顿。请改用网线后重新测量；仍然这样请告诉网络管理员。";
  }
  return "";
}

/** What became of the microphone: one that nobody has spoken into is not tried, and not at fault. */
export function voiceTried(problem: Tried | null, isMuted: boolean, isHeard: boolean): Tried {
  if (problem !== null) return problem;
  return isHeard && !isMuted ? "works" : "untried";
}

/** Words for the microphone, which has to be heard once. */
export function voiceWords(tried: Tried, isMuted: boolean): Said {
  if (isMuted) return { words: "麦克风已关闭，没有检查", advice: "请先打开麦克风，再说一句话。", tone: "plain" };
  if (tried === "works") return { words: "听到声音了：良好", advice: "", tone: "good" };
  return { words: "请说一句话，蓝条应有跳动", advice: "", tone: "plain" };
}
