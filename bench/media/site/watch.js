// Runs before every page's own scripts: notes when it was clicked, what it saw first, what it sends.
(() => {
  const wall = () => performance.timeOrigin + performance.now();
  const mine = new WeakSet();
  const watch = { connections: [], cameras: 0, wall };
  window.watch = watch;
  watch.reset = () => Object.assign(watch, { clicked: 0, seen: 0, frame: null, rates: [], marks: [] });
  watch.reset();

  const devices = navigator.mediaDevices;
  const open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    const [width, height] = window.cameraSize;
    const video = wanted.video && { ...wanted.video, width: { ideal: width }, height: { ideal: height } };
    const stream = await open({ ...wanted, video });
    for (const track of stream.getTracks()) mine.add(track);
    watch.cameras += wanted.video ? 1 : 0;
    return stream;
  };

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      watch.connections.push(this);
    }
  };

  const clicked = (event) => {
    if (event.target.closest?.("[data-testid='offer-accept']")) watch.clicked = wall();
  };
  document.addEventListener("click", clicked, { capture: true });

  // The first picture of somebody else that a video of this page shows.
  const source = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  const look = (video) =>
    video.requestVideoFrameCallback((_, frame) => {
      const track = source.get.call(video)?.getVideoTracks()[0];
      if (track === undefined || mine.has(track)) return;
      if (watch.seen === 0) Object.assign(watch, { seen: wall(), frame });
      look(video);
    });
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    ...source,
    set(stream) {
      source.set.call(this, stream);
      if (stream && this instanceof HTMLVideoElement) look(this);
    },
  });

  const sent = async () => {
    const found = { rate: 0, frames: 0 };
    for (const one of watch.connections.filter(({ connectionState: now }) => now !== "closed")) {
      for (const entry of (await one.getStats()).values()) {
        if (entry.type !== "outbound-rtp" || entry.kind !== "video") continue;
        found.rate = Math.max(found.rate, entry.targetBitrate ?? 0);
        found.frames += entry.framesEncoded ?? 0;
      }
    }
    return found;
  };
  watch.sent = sent;

  // What the congestion control lets the camera's encoder have, each quarter of a second.
  watch.follow = (seconds) =>
    new Promise((done) => {
      const timer = setInterval(async () => watch.rates.push([wall(), (await sent()).rate]), 250);
      setTimeout(() => done(clearInterval(timer)), seconds * 1000);
    });
})();
