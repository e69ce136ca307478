// Records one channel in blocks of 50 ms, each with the context time of its first sample.
const SIZE = Math.round(sampleRate / 20);

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Int16Array(SIZE);
    this.filled = 0;
  }

  process([channels], [outputs]) {
    const input = channels[0] ?? new Float32Array(128); // nothing is plugged in
    for (const output of outputs) output.set(input);
    for (let i = 0; i < input.length; i++) {
      if (!this.filled) this.t = currentTime + i / sampleRate;
      this.block[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(input[i] * 32768)));
      if (this.filled < SIZE) continue;
      this.port.postMessage({ t: this.t, pcm: this.block }, [this.block.buffer]);
      this.block = new Int16Array(SIZE);
      this.filled = 0;
    }
    return true;
  }
}

registerProcessor('test-tap', Tap);
