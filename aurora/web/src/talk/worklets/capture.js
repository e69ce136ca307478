// @ts-check
// In the audio thread: the microphone's blocks become frames of 20 ms, posted with the context time of their first sample.
import { Framer } from '../framer.js';

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.framer = new Framer(sampleRate);
  }

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    if (!channels.length) return true; // nothing is plugged in at the moment
    for (const frame of this.framer.push(channels[0], currentTime)) this.port.postMessage(frame, [frame.pcm.buffer]);
    return true;
  }
}

registerProcessor('sophia-capture', Capture);
