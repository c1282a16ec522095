/** A picture at the camera's full resolution: a still, not a video frame. */

export interface StillPicture {
  blob: Blob;
  width: number;
  height: number;
}

const JPEG = "image/jpeg";
const QUALITY = 0.92;
/** Some cameras never answer takePhoto; who asked for the still waits five seconds in all. */
const PHOTO_WITHIN = 2_000;

interface Capture {
  takePhoto?: () => Promise<Blob>;
  grabFrame?: () => Promise<ImageBitmap>;
}

/**
 * Take a still from a camera's track. `takePhoto` gives what the track was opened with; where it
 * fails or there is none, the track's next whole frame is kept instead.
 */
export async function takeStill(track: MediaStreamTrack): Promise<StillPicture> {
  const Grabber = (globalThis as { ImageCapture?: new (track: MediaStreamTrack) => Capture })
    .ImageCapture;
  if (Grabber) {
    const capture = new Grabber(track);
    const photo = await within(PHOTO_WITHIN, capture.takePhoto?.());
    if (photo) return await asJpeg(await createImageBitmap(photo), photo);
    const frame = await within(PHOTO_WITHIN, capture.grabFrame?.());
    if (frame) return await asJpeg(frame, null);
  }
  return await asJpeg(await grabByVideo(track), null);
}

/** What comes in time, or null for what fails or does not. */
async function within<T>(time: number, wanted: Promise<T> | undefined): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, time, null);
  });
  try {
    return await Promise.race([wanted ?? null, tooLate]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Photos are JPEG already; anything else is drawn anew. */
async function asJpeg(bitmap: ImageBitmap, photo: Blob | null): Promise<StillPicture> {
  const { width, height } = bitmap;
  try {
    if (photo?.type === JPEG) return { blob: photo, width, height };
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, JPEG, QUALITY));
    if (blob === null) throw new Error("the picture could not be kept");
    return { blob, width, height };
  } finally {
    bitmap.close();
  }
}

async function grabByVideo(track: MediaStreamTrack): Promise<ImageBitmap> {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = new MediaStream([track]);
  await video.play();
  try {
    return await createImageBitmap(video);
  } finally {
    video.srcObject = null;
  }
}
