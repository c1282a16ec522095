/** Instants as people in the halls read them: China time, whatever the machine is set to. */

const ZONE = "Asia/Shanghai";

const clock = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE,
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const clockWithSeconds = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE,
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const day = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE,
  year: "numeric",
  month: "long",
  day: "numeric",
});
const isoDay = new Intl.DateTimeFormat("en-CA", {
  timeZone: ZONE,
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
});

/** 14:05 */
export const hourMinute = (instant: string | number | Date) => clock.format(new Date(instant));

/** 14:05:09 */
export const hourMinuteSecond = (instant: string | number | Date) =>
  clockWithSeconds.format(new Date(instant));

/** 2026年11月22日 */
export const longDay = (instant: string | number | Date) => day.format(new Date(instant));

/** 2026-11-22 */
export const dayOf = (instant: string | number | Date) => isoDay.format(new Date(instant));

/** 2026-11-22 14:05 */
export const dayAndTime = (instant: string | number | Date) =>
  `${dayOf(instant)} ${hourMinute(instant)}`;

/** A length of time in words: 38 秒, 3 分 05 秒, 1 小时 12 分. */
export function lengthInWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} 秒`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} 分 ${String(whole % 60).padStart(2, "0")} 秒`;
  return `${Math.floor(minutes / 60)} 小时 ${String(minutes % 60).padStart(2, "0")} 分`;
}

/** A running time as a clock shows it: 03:05, 1:12:09. */
export function lengthAsClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}
