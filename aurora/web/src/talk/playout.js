// @ts-check
// Her voice on the page's sound card: what has come, what is being played, and where in which item that is.
//
// Sound comes in pieces that know their place in their item. It is resampled as it comes, waits until enough is there,
// and is handed out block by block. Anchors tell which second of which item stands at which context time; whoever knows
// the last one knows every moment until the next. Pure: the worklet around it has the clock.
import { Resampler } from './resample.js';
import { toFloat } from './pcm.js';

/** Seconds of an item that must be there before it starts, or goes on after a gap. */
export const PREBUFFER = 0.04;

/** Seconds of each fade, in and out: no click, and nobody hears it as one. */
export const FADE = 0.002;

/** Seconds by which a piece may be off the end of the one before it and still follow it: places come rounded. */
const SEAM = 0.001;

/** Seconds of sound that are held at most. What comes beyond is lost and counted: no server of ours is so far ahead. */
const MOST = 120;

/** Samples that are resampled at once. */
const PIECE = 2048;

/** Seconds between two anchors of sound that goes on. */
const EVERY = 0.01;

/**
 * What is at context time `t`. `play`: the item's sound is at `position` seconds and goes on from there; `gap`: it ran
 * dry; `cut`: it was cut off; `end`: it was played to its end. `buffered` s more of it are there.
 * @typedef {{kind: 'play'|'gap'|'cut'|'end', t: number, item: string, position: number, buffered: number,
 *   underruns: number, lost: number}} Anchor
 */

class Run {
  /** One stretch of an item's sound without a jump. @param {string} item @param {number} start s @param {number} from Hz @param {number} to Hz */
  constructor(item, start, from, to) {
    this.item = item;
    this.start = start;
    this.from = from;
    this.to = to;
    this.resampler = new Resampler(from, to);
    /** @type {Int16Array[]} what came and is not resampled yet: a long reply at once must not hold up the audio thread */
    this.came = [];
    this.waiting = 0; // samples of it
    /** @type {Float32Array} */
    this.piece = new Float32Array(); // what is being played …
    this.offset = 0; // … and how much of it has been
    this.played = 0; // samples, at the context's rate
    this.taken = 0; // samples that came, at their own
    this.closed = false; // nothing more will come
    this.flushed = false; // nor out of the filter
    this.dry = false; // it had begun and ran dry
  }

  get next() { return this.start + this.taken / this.from; }
  get position() { return this.start + this.played / this.to; }

  /** Samples that wait, at the context's rate. */
  get held() { return this.piece.length - this.offset + Math.floor((this.waiting * this.to) / this.from); }

  /** @param {Int16Array} samples */
  add(samples) {
    this.taken += samples.length;
    this.waiting += samples.length;
    for (let at = 0; at < samples.length; at += PIECE) this.came.push(samples.subarray(at, at + PIECE));
  }

  /** Whether there is a next sample. */
  more() {
    while (this.offset === this.piece.length) {
      const next = this.came.shift();
      if (!next && (!this.closed || this.flushed)) return false;
      this.waiting -= next ? next.length : 0;
      this.flushed = !next;
      this.piece = next ? this.resampler.push(toFloat(next)) : this.resampler.flush();
      this.offset = 0;
    }
    return true;
  }

  /** The next sample; only where there is one. */
  pull() {
    this.played++;
    return this.piece[this.offset++];
  }

  /** Takes all that came as played. */
  end() { this.played = Math.round((this.taken * this.to) / this.from); }
}

export class Playout {
  /** @param {number} rate the context's, Hz */
  constructor(rate) {
    this.rate = rate;
    this.underruns = 0; // gaps inside an item, each counted when its sound goes on
    this.lost = 0; // pieces for which there was no room
    /** @type {Run[]} */
    this.runs = [];
    /** @type {Anchor[]} */
    this.anchors = [];
    this.playing = false;
    this.gain = 1;
    this.sample = 0; // the last one handed out
    this.last = 0; // the one at which sound was stopped …
    this.tail = 0; // … and how much of it is still to be heard
    this.told = -Infinity; // context time of the last anchor
  }

  /**
   * Takes sound whose first sample is `start` seconds into the item.
   * @param {string} item @param {number} start @param {Int16Array} samples @param {number} from Hz
   */
  push(item, start, samples, from) {
    if (this.held + samples.length / from > MOST) {
      this.lost++;
      return;
    }
    let run = this.runs.at(-1);
    if (!run || run.item !== item || run.closed || run.from !== from || Math.abs(start - run.next) > SEAM) {
      if (run) run.closed = true;
      run = new Run(item, start, from, this.rate);
      this.runs.push(run);
    }
    run.add(samples);
  }

  /** The item is complete: what is there is all of it. @param {string} item */
  finish(item) {
    for (const run of this.runs) if (run.item === item) run.closed = true;
  }

  /** Drops what is held of an item, or of all; what sounds now fades out. @param {string | null} item */
  cut(item) {
    const cut = this.runs.filter(run => item === null || run.item === item);
    if (!cut.length) return;
    const first = cut[0];
    if (first === this.runs[0]) this.#stop();
    this.runs = this.runs.filter(run => !cut.includes(run));
    this.#tell('cut', NaN, first); // the next block knows the time
  }

  /** Seconds of sound that wait. */
  get held() { return this.runs.reduce((sum, run) => sum + run.held, 0) / this.rate; }

  /** Fills `out`, whose first sample is at context time `t`, and gives the anchors since the last call. @param {Float32Array} out @param {number} t @returns {Anchor[]} */
  render(out, t) {
    for (const anchor of this.anchors) anchor.t = t;
    const step = 1 / (FADE * this.rate);
    for (let i = 0; i < out.length; i++) {
      while (!this.playing && this.#ready()) this.#start(t + i / this.rate);
      let sample = this.tail > 0 ? this.last * this.tail : 0; // of what was stopped
      this.tail -= step;
      if (this.playing) {
        sample += this.runs[0].pull() * this.gain;
        this.gain = Math.min(1, this.gain + step);
        this.sample = sample;
        if (!this.runs[0].more()) this.#dry(t + (i + 1) / this.rate);
      }
      out[i] = sample;
    }
    if (this.playing && t - this.told >= EVERY) this.#tell('play', t + out.length / this.rate, this.runs[0]);
    const told = this.anchors;
    this.anchors = [];
    return told;
  }

  #ready() {
    const run = this.runs[0];
    return run !== undefined && (run.closed || run.held >= PREBUFFER * this.rate);
  }

  /** @param {number} t */
  #start(t) {
    const run = this.runs[0];
    if (run.closed && run.held <= (run.dry ? FADE * this.rate : 0)) {
      run.end(); // what is left is what the filter had held back
      return this.#dry(t);
    }
    run.more();
    if (run.dry) this.underruns++;
    run.dry = false;
    this.gain = run.position > 0 ? 0 : 1; // an item's own first sample needs no fade
    this.playing = true;
    this.#tell('play', t, run);
  }

  #stop() {
    if (this.playing) [this.last, this.tail] = [this.sample, 1];
    this.playing = false;
  }

  /** Nothing is left of the run that plays. @param {number} t */
  #dry(t) {
    const run = this.runs[0];
    this.#stop();
    run.dry = true;
    if (run.closed) this.runs.shift();
    this.#tell(run.closed && this.runs[0]?.item !== run.item ? 'end' : 'gap', t, run);
  }

  /** @param {Anchor['kind']} kind @param {number} t @param {Run} run */
  #tell(kind, t, run) {
    this.told = t;
    this.anchors.push({ kind, t, item: run.item, position: run.position, buffered: kind === 'play' ? run.held / this.rate : 0, underruns: this.underruns, lost: this.lost });
  }
}
