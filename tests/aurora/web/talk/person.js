// Put before every script of a page under test: a person before it. Speaks into the microphone when a test likes, and
// looks at another tab: then the page is hidden, and no picture is asked for. (A browser that is driven hides no page.)
(() => {
  let context, into;
  navigator.mediaDevices.getUserMedia = async () => {
    context = new AudioContext();
    into = context.createMediaStreamDestination();
    await context.resume();
    return into.stream;
  };
  /** Says int16 samples (base64) at `rate`; fulfilled when the last one was said. */
  window.say = (text, rate) => new Promise(said => {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const samples = Float32Array.from(new Int16Array(bytes.buffer), sample => sample / 32768);
    const buffer = context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.onended = said;
    source.connect(into);
    source.start();
  });
})();
(() => {
  let away = false, number = 0;
  const ask = window.requestAnimationFrame.bind(window), held = new Map();
  const show = (id, draw) => ask(time => away || !held.has(id) ? undefined : held.delete(id) && draw(time));
  window.requestAnimationFrame = draw => {
    held.set(++number, draw);
    if (!away) show(number, draw);
    return number;
  };
  window.cancelAnimationFrame = id => held.delete(id);
  Object.defineProperty(document, 'hidden', { get: () => away });
  Object.defineProperty(document, 'visibilityState', { get: () => (away ? 'hidden' : 'visible') });
  window.look = elsewhere => {
    away = elsewhere;
    document.dispatchEvent(new Event('visibilitychange'));
    if (!away) for (const [id, draw] of held) show(id, draw);
  };
})();
