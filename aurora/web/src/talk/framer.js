// @ts-check
// Cuts the microphone's stream into frames of 20 ms at 16 kHz, each marked with the context time of its first sample.
import { decibels, toInt16 } from './pcm.js';
import { Resampler } from './resample.js';

/** Hz of what is sent. */
export const RATE = 16000;

/** Samples of a frame: 20 ms. */
export const FRAME = RATE / 50;

/** Seconds by which a block may be off its expected time and still follow the one before it. */
const SEAM = 0.001;

/** @typedef {{t: number, pcm: Int16Array, db: number}} Frame context time of the first sample, samples, level */

export class Framer {
  /** @param {number} rate the context's, Hz */
  constructor(rate) {
    this.rate = rate;
    this.resampler = new Resampler(rate, RATE);
    this.buffer = new Float32Array(FRAME);
    this.filled = 0;
    this.origin = NaN; // context time of the stream's first sample
    this.taken = 0; // input samples since
    this.made = 0; // frames since
  }

  /**
   * The frames that this block completes. A block that does not follow the one before it begins a new stream, and the
   * frame that had been begun is lost.
   *
   * @param {Float32Array} block @param {number} t context time of its first sample @returns {Frame[]}
   */
  push(block, t) {
    if (!(Math.abs(this.origin + this.taken / this.rate - t) <= SEAM)) this.#begin(t);
    this.taken += block.length;
    const frames = [];
    for (let rest = this.resampler.push(block); rest.length; ) {
      const part = rest.subarray(0, FRAME - this.filled);
      this.buffer.set(part, this.filled);
      this.filled += part.length;
      rest = rest.subarray(part.length);
      if (this.filled < FRAME) break;
      const pcm = toInt16(this.buffer);
      frames.push({ t: this.origin + this.made / 50, pcm, db: decibels(pcm) });
      this.made++;
      this.filled = 0;
    }
    return frames;
  }

  /** @param {number} t */
  #begin(t) {
    this.resampler.reset();
    this.origin = t;
    this.taken = this.made = this.filled = 0;
  }
}
