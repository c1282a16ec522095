/** Trying a microphone and a speaker. */

const LOOK_EVERY = 80;
const SPEECH = 3.2;

/** Tell how loud a track is, 0 to 100; returns what stops it. */
export function createLevelMeter(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Uint8Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getByteTimeDomainData(samples);
    tell(loudness(samples));
  }, LOOK_EVERY);
  return () => {
    clearInterval(timer);
    if (context.state !== "closed") void context.close();
  };
}

/** How far samples swing about their middle (128), as a percentage that speech fills. */
export function loudness(samples: Uint8Array): number {
  let sum = 0;
  for (const sample of samples) sum += (sample - 128) ** 2;
  const swing = Math.sqrt(sum / Math.max(samples.length, 1)) / 128;
  return Math.min(100, Math.round(swing * 100 * SPEECH));
}

/** Play three notes through a speaker. */
export async function playTestSound(speakerId: string | undefined): Promise<void> {
  const context = new AudioContext() as AudioContext & { setSinkId?: (id: string) => Promise<void> };
  try {
    if (speakerId && context.setSinkId) await context.setSinkId(speakerId).catch(() => undefined);
    for (const [at, pitch] of [523, 659, 784].entries()) {
      const source = context.createOscillator();
      const volume = context.createGain();
      volume.gain.value = 0.2;
      source.frequency.value = pitch;
      source.connect(volume).connect(context.destination);
      source.start(context.currentTime + at * 0.3);
      source.stop(context.currentTime + at * 0.3 + 0.25);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  } finally {
    void context.close();
  }
}
