/** Finds QR codes in pictures, in this browser alone: nothing of a picture is sent anywhere. */
import { decodeQR } from "qr/decode.js";
import type { Reader } from "./scanning";

/** The square in the middle of a camera's picture is read at this size at most. */
const LIVE_SIDE = 960;
/** A photograph is tried at these lengths of its longer side. */
const PHOTOGRAPH_SIDES = [1_200, 2_000, 700];
const LIVE_TIME = 60;
const PHOTOGRAPH_TIME = 1_500;

export function canvasReader(): Reader {
  const canvas = document.createElement("canvas");
  const drawn = canvas.getContext("2d", { willReadFrequently: true });

  function readIn(width: number, height: number, timeLimit: number, draw: (on: CanvasRenderingContext2D) => void): string | null {
    if (!drawn) return null;
    canvas.width = width;
    canvas.height = height;
    draw(drawn);
    try {
      return decodeQR(drawn.getImageData(0, 0, width, height), { timeLimit });
    } catch {
      // The library throws where it finds no code.
      return null;
    }
  }

  function look(video: HTMLVideoElement): string | null {
    const { videoWidth, videoHeight } = video;
    const side = Math.min(videoWidth, videoHeight);
    if (side === 0) return null;
    const [left, top] = [(videoWidth - side) / 2, (videoHeight - side) / 2];
    const shown = Math.min(side, LIVE_SIDE);
    return readIn(shown, shown, LIVE_TIME, (on) => on.drawImage(video, left, top, side, side, 0, 0, shown, shown));
  }

  async function read(photograph: Blob): Promise<string | null> {
    const picture = await createImageBitmap(photograph);
    try {
      const longer = Math.max(picture.width, picture.height);
      for (const side of PHOTOGRAPH_SIDES) {
        const scale = Math.min(1, side / longer);
        const [width, height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
        const text = readIn(width, height, PHOTOGRAPH_TIME, (on) => on.drawImage(picture, 0, 0, width, height));
        if (text !== null) return text;
      }
      return null;
    } finally {
      picture.close();
    }
  }

  return { look, read };
}
