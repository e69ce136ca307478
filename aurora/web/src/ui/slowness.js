// @ts-check
// Whether drawing her holds up everything else. Drawing is asynchronous: its price shows in the gap to the next frame.

const LONG = 200;    // ms between two frames at which words and meters visibly stutter
const PATIENCE = 3;  // so many of them, with few good ones between

export class Slowness {
  constructor() {
    this.score = 0;
  }

  /** A frame came `gap` ms after one in which she was drawn. @param {number} gap @returns {boolean} it is too slow */
  after(gap) {
    if (gap > 20_000) return false;  // the tab was hidden or the machine asleep
    this.score = Math.max(0, this.score + (gap > LONG ? 1 : -0.25));
    if (this.score < PATIENCE) return false;
    this.score = 0;
    return true;
  }
}
