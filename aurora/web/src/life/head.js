// @ts-check
// Small movements of the head that belong to talk: a nod when the server says so, a beat on a stressed word.

import { between } from './random.js';
import { Spring, eased } from './spring.js';

/** How deep a double nod's second is, and when it begins. */
const SECOND = 0.6;
const LATER = 0.8;
const NOD_SECONDS = 0.5;

/** A beat: her own level rises this far above its mean of the last third of a second. */
const STRESS = 0.16;
const BEAT_REST = 0.55;
const BEAT = /** @type {const} */ ([0.012, 0.032]);
const BEAT_SECONDS = 0.32;
const MEAN_SECONDS = 0.33;

/** The head's sway while she speaks: [Hz, radians] for each of pitch, yaw, roll; scaled by her level. */
const SWAY = /** @type {const} */ ([[[0.31, 0.012], [0.73, 0.006]], [[0.23, 0.02], [0.57, 0.008]], [[0.27, 0.014], [0.41, 0.008]]]);
/** What is left of the sway at rest: nobody holds still. */
const AT_REST = 0.25;

/** One nod or beat: a dip of the head of `depth` radians. @typedef {{begins: number, lasts: number, depth: number}} Dip */

export class Nods {
  /** @param {import('./random.js').Random} chance @param {number} start seconds */
  constructor(chance, start) {
    this.chance = chance;
    /** @type {Dip[]} */
    this.dips = [];
    this.now = this.nodded = this.beaten = start;
    this.mean = 0;
    this.sway = new Spring(2.5);
    this.phase = SWAY.map((parts) => parts.map(() => 2 * Math.PI * chance()));
    /** Eyebrows go up with a beat, 0..1. */
    this.brows = new Spring(14);
  }

  /**
   * Pitch, yaw and roll in radians at `time`, beside what the gaze does.
   * @param {number} time
   * @param {{speaking: boolean, her: number}} talk how loud she is, 0..1
   * @returns {[number, number, number]}
   */
  at(time, talk) {
    const passed = time - this.now;
    this.now = time;
    this.speak(time, passed, talk);
    const much = AT_REST + (1 - AT_REST) * this.sway.step(talk.speaking ? Math.min(1, 0.5 + talk.her) : 0, passed);
    const turn = /** @type {[number, number, number]} */ (SWAY.map((parts, axis) => much * parts.reduce(
      (sum, [hertz, angle], i) => sum + angle * Math.sin(2 * Math.PI * hertz * time + this.phase[axis][i]), 0)));
    this.dips = this.dips.filter((dip) => time < dip.begins + dip.lasts);
    let lift = 0;
    for (const { begins, lasts, depth } of this.dips) {
      const share = (time - begins) / lasts;
      if (share > 0) turn[0] += depth * eased(share < 0.4 ? share / 0.4 : (1 - share) / 0.6);
      if (share > 0 && share < 0.5 && lasts === BEAT_SECONDS) lift = depth / BEAT[1];
    }
    this.brows.step(lift, passed);
    return turn;
  }

  /** She nods now, unless she nods already. @param {number} time @param {{depth: number, twice: boolean}} nod */
  nod(time, { depth, twice }) {
    if (time < this.nodded) return;
    this.dips.push({ begins: time, lasts: NOD_SECONDS, depth });
    if (twice) this.dips.push({ begins: time + LATER * NOD_SECONDS, lasts: NOD_SECONDS, depth: SECOND * depth });
    this.nodded = time + (twice ? 1 + LATER : 1) * NOD_SECONDS;
  }

  /** @param {number} time @param {number} passed @param {{speaking: boolean, her: number}} talk */
  speak(time, passed, { speaking, her }) {
    this.mean += ((speaking ? her : 0) - this.mean) * (1 - Math.exp(-passed / MEAN_SECONDS));
    if (speaking && her - this.mean > STRESS && time - this.beaten > BEAT_REST) {
      this.beaten = time;
      this.dips.push({ begins: time, lasts: BEAT_SECONDS, depth: between(this.chance, BEAT) });
    }
  }
}
