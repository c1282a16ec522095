/** What is wrong with a device, and what to click. */
import type { DeviceProblem } from "@/call/devices";

interface Words {
  name: string;
  /** What the browser's own settings call it. */
  permission: string;
  /** What the person does when the cause is gone. */
  again: string;
  instead: string;
}

const WORDS = {
  camera: {
    name: "摄像头",
    permission: "摄像头",
    again: "按“重新检测”",
    instead: "您可以不带画面继续，材料改为上传。",
  },
  microphone: {
    name: "麦克风",
    permission: "麦克风",
    again: "按“重新检测”",
    instead: "您可以先听对方说话，用文字或电话沟通。",
  },
  document: {
    name: "高拍仪",
    permission: "摄像头",
    again: "再试一次",
    instead: "办件没有改变，这份材料也可以上传。",
  },
} as const satisfies Record<string, Words>;

/** Words for a device that is not to be had; one goes on without it all the same. */
export function problemWords(kind: keyof typeof WORDS, problem: DeviceProblem): string {
  return `${what(WORDS[kind], problem)}${WORDS[kind].instead}`;
}

function what({ name, permission, again }: Words, problem: DeviceProblem): string {
  switch (problem) {
    case "none":
      return `没有找到${name}。请插好设备后${again}。`;
    case "refused":
      return `浏览器没有允许使用${name}。请点击地址栏左侧的图标，把${permission}改为“允许”，然后${again}。`;
    case "in_use":
      return `${name}正被其他程序占用。请关闭那个程序后${again}。`;
    case "insecure":
      return `当前网址不是安全地址（https），浏览器不提供${name}。请从本单位公布的 https 网址进入。`;
    case "unknown":
      return `${name}没有打开。请重新插拔设备后${again}。`;
  }
}
