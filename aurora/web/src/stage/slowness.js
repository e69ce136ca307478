// @ts-check
// Notices that pictures come too slowly, from the times at which they were asked for.

/** Pictures further apart than this, in seconds, are slow; much further apart, the page was hidden. */
const SLOW = 1 / 18;
const HIDDEN = 1.5;
/** So many pictures are looked at together, and at least so many seconds. */
const PICTURES = 24;
const SECONDS = 3;

export class Slowness {
  constructor() {
    /** @type {number[]} */
    this.gaps = [];
    this.last = NaN;
  }

  /** Looks afresh, for example after something was made cheaper. */
  restart() {
    this.gaps = [];
    this.last = NaN;
  }

  /** Whether the median of the last pictures is slow. @param {number} seconds by any clock that goes on */
  at(seconds) {
    const gap = seconds - this.last;
    this.last = seconds;
    if (!(gap > 0 && gap < HIDDEN)) return false;
    this.gaps.push(gap);
    while (this.gaps.length > PICTURES && this.spent() - this.gaps[0] >= SECONDS) this.gaps.shift();
    if (this.gaps.length < PICTURES || this.spent() < SECONDS) return false;
    const sorted = [...this.gaps].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] > SLOW;
  }

  spent() {
    return this.gaps.reduce((sum, gap) => sum + gap, 0);
  }
}
