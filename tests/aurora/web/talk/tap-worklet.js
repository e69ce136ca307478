// Records one channel in blocks of at most 50 ms, each with the context time of its first sample. A starved audio thread
// may leave samples out; then a block ends early, and the next one knows its own time.
const SIZE = Math.round(sampleRate / 20);

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Int16Array(SIZE);
    this.filled = 0;
    this.frame = 0;
  }

  process([channels], [outputs]) {
    const input = channels[0] ?? new Float32Array(128); // nothing is plugged in
    for (const output of outputs) output.set(input);
    if (this.filled && currentFrame !== this.frame + this.filled) this.post();
    for (let i = 0; i < input.length; i++) {
      if (!this.filled) this.frame = currentFrame + i;
      this.block[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(input[i] * 32768)));
      if (this.filled === SIZE) this.post();
    }
    return true;
  }

  post() {
    this.port.postMessage({ frame: this.frame, pcm: this.block.slice(0, this.filled) });
    this.filled = 0;
  }
}

registerProcessor('test-tap', Tap);
