// The same random numbers in every run.

/** Numbers in 0..1. @param {number} seed whole number above zero */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
