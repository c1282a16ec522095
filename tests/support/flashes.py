"""A browser that flashes and beeps by one clock, and how far apart a file has the two."""

from __future__ import annotations

import statistics

from tests.support.clips import Seen

# A camera that turns white and a microphone that beeps at every full second, by one clock.
FLASH_AND_BEEP = """
    const media = navigator.mediaDevices;
    if (media) media.getUserMedia = async () => {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [320, 240];
        const drawing = canvas.getContext("2d");
        const sound = new AudioContext({ latencyHint: 0 });
        const tone = new OscillatorNode(sound, { frequency: 1000 });
        const gain = new GainNode(sound, { gain: 0 });
        const out = new MediaStreamAudioDestinationNode(sound);
        tone.connect(gain).connect(out);
        tone.start();
        await sound.resume();
        for (let second = 1; second < 600; second += 1) {
            gain.gain.setValueAtTime(0.8, second);
            gain.gain.setValueAtTime(0, second + 0.2);
        }
        setInterval(() => {
            const white = sound.currentTime > 1 && sound.currentTime % 1 < 0.2;
            const dark = `rgb(0, 0, ${Math.round(performance.now() / 50) % 40})`;
            drawing.fillStyle = white ? "#fff" : dark;
            drawing.fillRect(0, 0, 320, 240);
        }, 15);
        const stream = canvas.captureStream(30);
        stream.addTrack(out.stream.getAudioTracks()[0]);
        return stream;
    };
"""


def apart(seen: Seen) -> float:
    """Return by how many seconds sound is later than picture, in the middle of all beeps."""
    found = [
        beep - min(seen.flashes, key=lambda one, at=beep: abs(one - at)) for beep in seen.beeps
    ]
    return statistics.median(found)
