// @ts-check
// How a head moves: towards where it should be, without a jump in place or speed, and never past it.

/** A critically damped spring, solved exactly, so that the number of pictures a second changes nothing. */
export class Spring {
  /** @param {number} quickness 1/s; 95 % of the way takes about 4.7 / quickness seconds */
  constructor(quickness) {
    this.quickness = quickness;
    this.at = 0;
    this.speed = 0;
  }

  /** @param {number} target @param {number} seconds since the last step @returns {number} where it is now */
  step(target, seconds) {
    const k = this.quickness;
    const off = this.at - target;
    const push = this.speed + k * off;
    const fade = Math.exp(-k * seconds);
    this.at = target + (off + push * seconds) * fade;
    this.speed = (push - k * (off + push * seconds)) * fade;
    return this.at;
  }
}

/** 0 at 0, 1 at 1, without a corner at either. @param {number} share */
export const eased = (share) => 0.5 - 0.5 * Math.cos(Math.PI * Math.min(1, Math.max(0, share)));
