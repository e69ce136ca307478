// @ts-check
// How far the lips are from the sound, and how much of the speech the face missed, look by look. The page's side of
// aurora/sync.py: no clock but the sound; a look weighs as much as what was heard while its pose stood.
import { AUDIBLE } from './pcm.js';

/** Seconds of audible speech; a mouth that stays exactly the same for longer counts as none, from its first moment. */
export const FROZEN = 0.5;

/** Seconds: the grain in which skews are counted, and beyond which one counts as this much. */
const STEP = 0.001, FAR = 5;

/** Longest time, s, for which a pose counts as shown: a machine that draws slower shows its pictures late, not the face. */
export const PICTURE = 1 / 30;

export class LipSync {
  constructor() {
    /** @type {{position: number, code: number, mouth: number} | {position: number, code: null} | null} */
    this.last = null;
    this.audible = this.missing = this.looks = this.late = 0;
    /** @type {Map<number, number>} seconds of speech by skew in steps */
    this.skews = new Map();
    /** @type {Map<number, number>} of a mouth that may turn out to be frozen */
    this.pending = new Map();
    /** @type {number | null} */
    this.mouth = null;
    this.still = 0;
  }

  /**
   * At `position` the pose `shown` goes on show. It counts with the next look; where the sound went back, not at all.
   * @param {number} position s @param {{code: number, mouth: number} | null} shown @param {boolean} audible whether speech can be heard there
   */
  look(position, shown, audible) {
    if (this.last && position > this.last.position) this.#count(this.last, position - this.last.position);
    this.last = audible ? (shown ? { position, code: shown.code, mouth: shown.mouth } : { position, code: null }) : null;
    this.looks++;
  }

  /** What all looks but the last come to; skews in ms, above zero the lips lead. */
  summary() {
    const skews = new Map(this.skews);
    for (const [steps, seconds] of this.pending) skews.set(steps, (skews.get(steps) ?? 0) + seconds);
    let total = 0, sum = 0;
    for (const [steps, seconds] of skews) [total, sum] = [total + seconds, sum + steps * seconds];
    return {
      skew_mean_ms: total ? sum / total : null,
      skew_p95_ms: nearlyWorst(skews, total),
      missing: this.audible ? Math.min(1, this.missing / this.audible) : 0,
      late: this.late,
      frames: this.looks,
    };
  }

  /** @param {NonNullable<LipSync['last']>} look @param {number} seconds */
  #count(look, seconds) {
    this.audible += seconds;
    if (look.code === null) {
      this.missing += seconds;
      return;
    }
    if (look.mouth !== this.mouth) {
      for (const [steps, spent] of this.pending) this.skews.set(steps, (this.skews.get(steps) ?? 0) + spent);
      this.pending.clear();
      [this.mouth, this.still] = [look.mouth, 0];
    }
    const skew = look.code - look.position - Math.min(seconds, PICTURE) / 2;
    const steps = Math.round(Math.max(-FAR, Math.min(FAR, skew)) / STEP);
    this.pending.set(steps, (this.pending.get(steps) ?? 0) + seconds);
    this.still += Math.min(seconds, PICTURE);
    if (this.still > FROZEN) {
      for (const spent of this.pending.values()) this.missing += spent;
      this.pending.clear();
    }
  }
}

/** The 95th percentile of the distance, with the sign that is more frequent there. @param {Map<number, number>} skews @param {number} total */
function nearlyWorst(skews, total) {
  let within = 0;
  for (const distance of [...new Set([...skews.keys()].map(Math.abs))].sort((a, b) => a - b)) {
    const early = skews.get(distance) ?? 0, late = distance ? (skews.get(-distance) ?? 0) : 0;
    within += early + late;
    if (within >= 0.95 * total) return early >= late ? distance : -distance;
  }
  return null;
}

/** Where an item's sound is loud, in steps of 10 ms. */
export class Loudness {
  constructor() {
    /** @type {number[]} peak of each step */
    this.peaks = [];
  }

  /** Sound whose first sample is at `start` seconds. @param {number} start @param {Int16Array} samples @param {number} rate */
  add(start, samples, rate) {
    const step = rate / 100, begins = Math.round(start * rate);
    if (!(begins >= 0 && begins < rate * 3600)) return;
    for (let i = 0; i < samples.length; i++) {
      const at = Math.floor((begins + i) / step), loud = Math.abs(samples[i]);
      if (!(this.peaks[at] >= loud)) this.peaks[at] = loud;
    }
  }

  /** Peak of int16 samples around `position` seconds. @param {number} position */
  at(position) { return this.peaks[Math.floor(position * 100)] ?? 0; }

  /** @param {number} position */
  audible(position) { return this.at(position) >= AUDIBLE; }
}
