// @ts-check
// When each frame of the face is due: by how much of its item's sound has been heard, never by arrival. The page's side
// of aurora/timeline.py.
import { ARKIT, arkitName } from '../arkit.js';

/** Longest gap between two frames, s, across which poses are interpolated. */
export const BRIDGED = 0.1;

/** Seconds for which the last frame before a longer gap, or at the end, stays. */
export const HOLD = 1 / 30;

/** Seconds of frames that are kept per item, and at most so many a second. */
const KEPT = 300, MOST_PER_SECOND = 120;

/** Items that are kept at once: the one that plays, the next, and what is on its way out. */
const ITEMS = 4;

/** Items that are remembered as cleared. */
const CLEARED = 256;

const WIDTH = ARKIT.length;
const MOUTH = ARKIT.flatMap((name, place) => (/^(jaw|mouth|tongue)/.test(name) ? [place] : []));

/** @typedef {{weights: Uint8Array, mouth: number}} Filed `mouth` is the same number while the mouth stays exactly the same */

class Track {
  /** One item's frames in the order of their times. */
  constructor() {
    /** @type {number[]} */
    this.times = [];
    /** @type {Filed[]} */
    this.frames = [];
    this.mouths = 0;
  }

  /** The number of frames at or before `time`. @param {number} time */
  after(time) {
    let low = 0, high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {number} time @param {Uint8Array} weights */
  add(time, weights) {
    const at = this.after(time), before = this.frames[at - 1];
    const still = before && MOUTH.every(place => before.weights[place] === weights[place]);
    const filed = { weights, mouth: still ? before.mouth : ++this.mouths };
    if (this.times[at - 1] === time) {
      this.frames[at - 1] = filed;
      return;
    }
    this.times.splice(at, 0, time);
    this.frames.splice(at, 0, filed);
    while (this.times[this.times.length - 1] - this.times[0] > KEPT || this.times.length > KEPT * MOST_PER_SECOND) {
      this.times.shift();
      this.frames.shift();
    }
  }
}

/** @typedef {{weights: Float32Array, code: number, mouth: number}} Shown a pose, and the second for which it was made */

export class FaceTimeline {
  constructor() {
    /** @type {Map<string, Track>} */
    this.tracks = new Map();
    /** @type {Set<string>} */
    this.cleared = new Set();
  }

  /**
   * Files frames `1 / fps` apart, the first at `start` seconds of the item's sound.
   *
   * @param {string} item @param {number} start @param {number} fps
   * @param {Uint8Array[]} rows a frame each: 52 weights in the order of ARKIT, 0..255
   * @returns {boolean} false if the item was cleared: nothing of it is shown any more
   */
  add(item, start, fps, rows) {
    if (this.cleared.has(item)) return false;
    let track = this.tracks.get(item);
    if (!track) {
      if (this.tracks.size >= ITEMS) this.clear(/** @type {string} */ (this.tracks.keys().next().value));
      this.tracks.set(item, (track = new Track()));
    }
    rows.forEach((row, k) => track.add(start + k / fps, row));
    return true;
  }

  /** The pose at `position` seconds of the item's sound; null where the face has nothing to show. @param {string} item @param {number} position @returns {Shown | null} */
  at(item, position) {
    const track = this.tracks.get(item);
    const before = track ? track.after(position) - 1 : -1;
    if (!track || before < 0) return null;
    const since = position - track.times[before], gap = track.times[before + 1] - track.times[before]; // NaN at the end
    const between = gap <= BRIDGED;
    if (!between && since > HOLD) return null;
    const share = between ? since / gap : 0, { weights: from, mouth } = track.frames[before];
    const to = between ? track.frames[before + 1].weights : from, weights = new Float32Array(WIDTH);
    for (let n = 0; n < WIDTH; n++) weights[n] = (from[n] + share * (to[n] - from[n])) / 255;
    return { weights, code: track.times[before] + share * (between ? gap : 0), mouth };
  }

  /** Forgets the item for good. @param {string} item */
  clear(item) {
    this.tracks.delete(item);
    this.cleared.delete(item);
    this.cleared.add(item);
    if (this.cleared.size > CLEARED) this.cleared.delete(/** @type {string} */ (this.cleared.values().next().value));
  }

  /** Forgets everything: item names of a new connection begin anew. */
  reset() {
    this.tracks.clear();
    this.cleared.clear();
  }
}

/**
 * Puts a server's rows of weights into the order of ARKIT, by name; a shape that it does not name stays 0.
 *
 * @param {string[]} names of a row's weights, in its order
 */
export function order(names) {
  const places = names.map(name => ARKIT.indexOf(arkitName(name) ?? ''));
  /** Rows of `count` frames; null if the bytes are not so many. @param {Uint8Array} bytes @param {number} count @returns {Uint8Array[] | null} */
  return (bytes, count) => {
    if (bytes.length !== count * names.length) return null;
    return Array.from({ length: count }, (_, frame) => {
      const row = new Uint8Array(WIDTH);
      places.forEach((place, n) => { if (place >= 0) row[place] = bytes[frame * names.length + n]; });
      return row;
    });
  };
}
