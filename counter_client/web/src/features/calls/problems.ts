/** What is wrong with camera or microphone, and what to click. */
import type { DeviceProblem } from "@/call/devices";

const NAMES = { camera: "摄像头", microphone: "麦克风" } as const;

const INSTEAD = {
  camera: "您可以不带画面继续，材料改为上传。",
  microphone: "您可以先听对方说话，用文字或电话沟通。",
} as const;

/** Words for a device that is not to be had; one joins the call all the same. */
export function problemWords(kind: "camera" | "microphone", problem: DeviceProblem): string {
  const name = NAMES[kind];
  return `${what(name, problem)}${INSTEAD[kind]}`;
}

function what(name: string, problem: DeviceProblem): string {
  switch (problem) {
    case "none":
      return `没有找到${name}。请插好设备后按“重新检测”。`;
    case "refused":
      return `浏览器没有允许使用${name}。请点击地址栏左侧的图标，把${name}改为“允许”，再按“重新检测”。`;
    case "in_use":
      return `${name}正被其他程序占用。请关闭那个程序后按“重新检测”。`;
    case "insecure":
      return `当前网址不是安全地址（https），浏览器不提供${name}。请从本单位公布的 https 网址进入。`;
    case "unknown":
      return `${name}没有打开。请重新插拔设备后按“重新检测”。`;
  }
}
