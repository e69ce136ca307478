// Put before every script of a page under test, after `tapWorklet`, the text of tap-worklet.js: records what its audio contexts really take in and give out, on their
// own clocks, and what its sockets bring. Nothing of the page knows of it.
(() => {
  const tap = (window.tap = { in: [], out: [], wire: [], sent: [], context: null, latency: () => tap.context.baseLatency + tap.context.outputLatency });
  const now = () => tap.context?.currentTime ?? null;

  const addModule = AudioWorklet.prototype.addModule;
  AudioWorklet.prototype.addModule = async function (...given) {
    await addModule.call(this, URL.createObjectURL(new Blob([window.tapWorklet], { type: 'text/javascript' })));
    return addModule.apply(this, given);
  };
  const recorder = (context, into) => {
    tap.context = context;
    const node = new AudioWorkletNode(context, 'test-tap', { outputChannelCount: [1] });
    node.port.onmessage = ({ data }) => into.push(data);
    return node;
  };
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      const node = recorder(this.context, tap.out);
      connect.call(this, node);
      return connect.call(node, to, ...rest);
    }
    if (this instanceof MediaStreamAudioSourceNode) connect.call(this, recorder(this.context, tap.in));
    return connect.call(this, to, ...rest);
  };

  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => tap.wire.push({ t: now(), event: JSON.parse(data) }));
    }
    send(text) {
      const { type, audio } = JSON.parse(text);
      if (type === 'input_audio_buffer.append') tap.sent.push(audio);
      super.send(text);
    }
  };

  const base64 = pcm => {
    const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
  };
  const whole = blocks => {
    if (!blocks.length) return null;
    const first = blocks[0].frame, last = blocks.at(-1), all = new Int16Array(last.frame + last.pcm.length - first);
    for (const { frame, pcm } of blocks) all.set(pcm, frame - first);
    return { t: first / tap.context.sampleRate, pcm: base64(all) };
  };
  /** Context time up to which the output is recorded. */
  tap.until = () => { const last = tap.out.at(-1); return last ? (last.frame + last.pcm.length) / tap.context.sampleRate : 0; };
  tap.collect = () => ({ rate: tap.context.sampleRate, latency: tap.latency(), out: whole(tap.out), in: whole(tap.in), wire: tap.wire, sent: tap.sent });
})();
