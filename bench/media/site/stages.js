// Runs after watch.js where our own time is taken apart: what the client says, hears and does.
(() => {
  const { watch } = window;
  const mark = (name) => watch.marks.push([name, watch.wall()]);
  const put = RTCRtpSender.prototype.replaceTrack;
  RTCRtpSender.prototype.replaceTrack = async function (track) {
    const named = track?.kind === "video";
    if (named) mark("camera given to the sender");
    await put.call(this, track);
    if (named) mark("camera taken by the sender");
  };

  const ask = window.fetch;
  window.fetch = async (...given) => {
    const answer = await ask(...given);
    if (String(given[0]?.url ?? given[0]).endsWith("/acceptance")) mark("acceptance answered");
    return answer;
  };

  const event = (data) => (typeof data === "string" ? /^42\d*\["([a-z.]+)"/.exec(data)?.[1] : undefined);
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => event(data) && mark(`heard ${event(data)}`));
    }
    send(data) {
      if (event(data)) mark(`said ${event(data)}`);
      super.send(data);
    }
  };

  // Asking costs time itself: the figures of a round with stages are for their proportions.
  watch.encoding = async () => {
    const { frames } = await watch.sent();
    for (let looks = 0; looks < 300; looks += 1) {
      if ((await watch.sent()).frames > frames) return mark("first picture encoded");
      await new Promise((done) => setTimeout(done, 10));
    }
  };
})();
