// @ts-check
// How loud both voices were in the last seconds, on the server's clock; what the lanes of the waterfall draw. Pure.

/** @typedef {{at: number, you: number, her: number}} Loudness  ms of the server's clock; levels 0..1 */

const KEEP = 30_000;
const STEP = 20;

export class Envelope {
  constructor() {
    /** @type {Loudness[]} at most one a step, in order */
    this.past = [];
  }

  /** Notes both levels at `at`. The loudest of a step stands; time that runs back is ignored. @param {Loudness} now */
  note(now) {
    const last = this.past.at(-1);
    if (last && now.at - last.at < STEP) {
      last.you = Math.max(last.you, now.you);
      last.her = Math.max(last.her, now.her);
      return;
    }
    this.past.push({ ...now });
    if (this.past.length > 2 * KEEP / STEP || now.at - this.past[0].at > 2 * KEEP) {
      this.past = this.past.filter(one => one.at >= now.at - KEEP);
    }
  }

  /** What was noted from `from` to `to`, ms. @param {number} from @param {number} to @returns {Loudness[]} */
  between(from, to) {
    return this.past.filter(one => one.at >= from && one.at <= to);
  }

  clear() {
    this.past = [];
  }
}

/**
 * One lane as the path of an SVG: a bar for each `step` ms about the middle of a box of 1000 × 40.
 * @param {Loudness[]} past
 * @param {'you'|'her'} whose
 * @param {{zero: number, before: number, end: number, step: number}} scale  `zero` on the server's clock; the box
 *   shows `before` ms left of it and `end` ms right of it
 */
export function bars(past, whose, { zero, before, end, step }) {
  const wide = (1000 * step * 0.62) / (end + before);
  /** @type {Map<number, number>} */
  const loudest = new Map();
  for (const one of past) {
    const slot = Math.floor((one.at - zero) / step);
    if (slot * step < -before || slot * step >= end) continue;
    loudest.set(slot, Math.max(loudest.get(slot) ?? 0, one[whose]));
  }
  let path = '';
  for (const [slot, level] of loudest) {
    if (level < 0.02) continue;
    const x = (1000 * (slot * step + before)) / (end + before);
    const half = 0.6 + 18 * Math.min(1, level);
    const tall = (2 * half).toFixed(1);
    path += `M${x.toFixed(1)} ${(20 - half).toFixed(1)}h${wide.toFixed(1)}v${tall}h-${wide.toFixed(1)}z`;
  }
  return path;
}
