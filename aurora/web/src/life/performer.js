// @ts-check
// One face, two sources: speech owns the mouth, life owns eyes and lids; no shape has two writers.

import { ARKIT } from '../arkit.js';
import { eased } from './spring.js';

/** Shapes that speech alone moves while there is speech. */
const MOUTH = ARKIT.map((name) => /^(jaw|mouth|tongue|cheekPuff)/.test(name));
/** Shapes that speech never moves: it knows nothing of what she looks at. */
const EYES = ARKIT.map((name) => /^eye(Blink|Look)/.test(name));

/** Seconds in which the mouth comes to rest after the last speech, and in which a mood's mouth gives way to speech. */
const RELEASE = 0.1;
const ATTACK = 0.05;
/** The same for brows, cheeks and nose: a mood neither comes nor goes like a word. */
const COMES = 0.2;
const GOES = 0.4;

/** Brows, cheeks and nose belong to life, and what speech does to them is added. */
export class Performer {
  constructor() {
    /** What of the mouth is speech's, 0..1. */
    this.share = 0;
    /** What speech has of brows, cheeks and nose, 0..1. */
    this.felt = 0;
    this.last = new Float32Array(ARKIT.length);
    this.now = -Infinity;
  }

  /**
   * Speech put over life. Ask once a picture.
   * @param {import('./index.js').Pose} life
   * @param {ArrayLike<number> | null} speech weights at the position that is heard; null: she is silent
   * @param {number} seconds
   * @returns {import('./index.js').Pose}
   */
  perform(life, speech, seconds) {
    const passed = Math.max(0, seconds - this.now);
    this.now = seconds;
    this.share = speech ? Math.min(1, this.share + passed / ATTACK) : Math.max(0, this.share - passed / RELEASE);
    if (speech) this.last.set(speech);
    this.felt = speech ? Math.min(1, this.felt + passed / COMES) : Math.max(0, this.felt - passed / GOES);
    const share = eased(this.share), felt = eased(this.felt);
    const weights = life.weights.map((own, k) => {
      if (EYES[k]) return own;
      const said = (MOUTH[k] ? share : felt) * this.last[k];
      return Math.min(1, MOUTH[k] ? (1 - share) * own + said : own + said);
    });
    return { ...life, weights };
  }
}
