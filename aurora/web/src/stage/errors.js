// @ts-check
// What can go wrong with the stage, by a code that the page has words for.

/** `nowebgl`: this browser draws no 3-D. `broken`: the file is no head that can be shown; the message says why. */
export class StageError extends Error {
  /** @param {'nowebgl' | 'broken'} code @param {string} message one line */
  constructor(code, message) {
    super(message);
    this.name = 'StageError';
    this.code = code;
  }
}

/** @param {string} message */
export const broken = (message) => new StageError('broken', message);
