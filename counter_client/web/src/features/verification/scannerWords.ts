/** What the scanner says, and what to do when there is no camera. */
import type { DeviceProblem } from "@/call/devices";
import type { Hint } from "./scanning";

const OTHERWISE = "也可以从相册选一张二维码的照片。";

const PROBLEMS: Record<DeviceProblem, string> = {
  none: "没有找到摄像头。请从相册选一张二维码的照片，或者按编号核验。",
  refused: `没有获得使用相机的许可。请在浏览器或手机的设置中允许本网站使用相机，再按“再试一次”；${OTHERWISE}`,
  in_use: `相机正被其他程序占用。请关闭其他使用相机的程序，再按“再试一次”；${OTHERWISE}`,
  insecure: `这个浏览器不允许网页使用相机。请换用系统自带的浏览器；${OTHERWISE}`,
  unknown: `相机没有打开。请按“再试一次”；${OTHERWISE}`,
};
const IN_WECHAT = `微信里打不开相机。请点右上角的“…”，选择“在浏览器打开”后再扫描；${OTHERWISE}`;

export function problemWords(problem: DeviceProblem): string {
  return /MicroMessenger/i.test(navigator.userAgent) ? IN_WECHAT : PROBLEMS[problem];
}

export function hintWords(hint: Hint, isLive: boolean): string {
  switch (hint) {
    case "foreign":
      return "这不是本系统证明上的二维码。请对准证明左下角的二维码。";
    case "nothing":
      return "还没有读到二维码。请靠近一些、对正、不要反光，并等画面清晰。";
    case "unreadable":
      return "照片里没有读到二维码。请选一张清晰、端正、只拍二维码的照片。";
    default:
      return isLive ? "把证明左下角的二维码放进框内。" : "";
  }
}
