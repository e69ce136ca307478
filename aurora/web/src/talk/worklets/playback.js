// @ts-check
// In the audio thread: the playout between its port and the sound card.
import { Playout } from '../playout.js';

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.playout = new Playout(sampleRate);
    this.port.onmessage = ({ data }) => {
      if (data.op === 'sound') this.playout.push(data.item, data.start, data.pcm, data.rate);
      else if (data.op === 'finish') this.playout.finish(data.item);
      else if (data.op === 'cut') this.playout.cut(data.item);
    };
  }

  /** @param {Float32Array[][]} _ @param {Float32Array[][]} outputs */
  process(_, [channels]) {
    const anchors = this.playout.render(channels[0], currentTime);
    for (let channel = 1; channel < channels.length; channel++) channels[channel].set(channels[0]);
    if (anchors.length) this.port.postMessage(anchors);
    return true;
  }
}

registerProcessor('sophia-playback', Playback);
