// @ts-check
// Eyelids: a blink every two to six seconds, some of them double, and one with most large glances.

import { between } from './random.js';
import { eased } from './spring.js';

/** Shortest and longest wait between blinks, in seconds; in between they come by chance, as Poisson has it. */
const WAIT = [2, 6];
const MEAN_BEYOND = 1.7;
const SECONDS = /** @type {const} */ ([0.15, 0.2]);
/** Share of blinks that are followed by a second one at once. */
const DOUBLE = 0.15;
const DOUBLE_WAIT = 0.06;
/** Share of a blink in which the lid falls; it rises more slowly. */
const CLOSING = 0.35;
/** Seconds since the last blink before a glance may bring the next. */
const REST = 0.8;

export class Blinks {
  /** @param {import('./random.js').Random} chance @param {number} start seconds */
  constructor(chance, start) {
    this.chance = chance;
    this.second = false;
    this.ended = start;
    this.begins = start + this.wait();
    this.lasts = between(chance, SECONDS);
  }

  /** How far the lids are down at `time`, 0..1. Ask with times that do not go back. @param {number} time */
  at(time) {
    while (time > this.begins + this.lasts) {
      this.ended = this.begins + this.lasts;
      this.second = !this.second && this.chance() < DOUBLE;
      this.begins = this.ended + (this.second ? DOUBLE_WAIT : this.wait());
      this.lasts = between(this.chance, SECONDS);
    }
    const share = (time - this.begins) / this.lasts;
    if (share <= 0) return 0;
    return eased(share < CLOSING ? share / CLOSING : (1 - share) / (1 - CLOSING));
  }

  /** The eyes jump far at `time`: the lids use the moment. @param {number} time */
  glance(time) {
    this.at(time);
    if (time < this.begins && time > this.ended + REST) this.begins = time;
  }

  wait() {
    return Math.min(WAIT[1], WAIT[0] - MEAN_BEYOND * Math.log(1 - this.chance()));
  }
}
