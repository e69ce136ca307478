// @ts-check
// Chance that can be repeated: the same seed, the same life.

/** @typedef {() => number} Random a number in [0, 1) at each call */

/**
 * Mulberry32, a small generator with a state of 32 bits; good enough for eyelids.
 * @param {number} seed whole number
 * @returns {Random}
 */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {Random} chance @param {readonly [number, number]} range @returns {number} */
export const between = (chance, [low, high]) => low + (high - low) * chance();
