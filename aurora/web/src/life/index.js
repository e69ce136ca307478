// @ts-check
// Her life apart from speech: she blinks, looks about, breathes, nods when she is told to, and looks away to think.
// Pure: no clock, no page; the same seed and the same questions give the same life.

import { ARKIT, AT } from '../arkit.js';
import { Blinks } from './blinks.js';
import { FULL_LOOK, Gaze } from './gaze.js';
import { Nods } from './head.js';
import { Moods } from './moods.js';
import { random } from './random.js';

export { Performer } from './performer.js';

/**
 * A pose of the face: weights in the order of ARKIT, 0..1; the head's pitch (down), yaw (to her left) and roll (to her
 * right) in radians; how full her chest is, 0..1.
 * @typedef {{weights: Float32Array, head: [number, number, number], breath: number}} Pose
 */
/**
 * What goes on: the floor as the server tells it, and how loud the user and she are, 0..1. `attention` is what her face
 * shows she is about, which is the floor without what is too short to be shown; `nods` begin now; `mood` is that of what
 * is heard.
 * @typedef {{floor: string, level: {you: number, her: number}, attention?: string | null, mood?: {name: string, share: number},
 *   nods?: {depth: number, twice: boolean}[]}} Talk
 */

/** After a longer pause between questions (a hidden page) nothing is caught up with: she starts afresh. */
const LONGEST_JUMP = 5;
/** Seconds of one breath; the chest fills in two fifths of it. */
const BREATH = 4.2;
const INHALE = 0.4;
/** How far the brows rise with each breath and each beat. */
const BROW_BREATH = 0.03;
const BROW_BEAT = 0.22;

export class Life {
  /** @param {number} [seed] whole number */
  constructor(seed = 0) {
    this.chance = random(seed);
    this.moods = new Moods();
    this.now = 0;
    this.parts = born(this.chance, 0);
  }

  /**
   * The pose at `seconds`, with the mouth at rest or in a mood. Ask with times that do not go back.
   * @param {number} seconds
   * @param {Talk} talk
   * @returns {Pose}
   */
  at(seconds, { floor, level, attention, mood, nods: begun = [] }) {
    let passed = seconds - this.now;
    this.now = seconds;
    if (!(passed >= 0 && passed <= LONGEST_JUMP)) {
      passed = 0;
      this.parts = born(this.chance, seconds);
    }
    const { blinks, gaze, nods } = this.parts;
    const weights = new Float32Array(ARKIT.length);
    const speaking = floor === 'speaking' || floor === 'ducked';
    const about = attention ?? (speaking ? 'speaking' : floor);
    gaze.attend(about, seconds);
    const seen = gaze.at(seconds, (time) => blinks.glance(time));
    for (const nod of begun) nods.nod(seconds, nod);
    const head = nods.at(seconds, { speaking, her: level.her });
    head[0] -= seen.head[1]; // up is a negative pitch
    head[1] += seen.head[0];
    this.moods.add(floor === 'interrupted' ? floor : about, passed, weights, head, mood);
    weights[AT.eyeBlinkLeft] = weights[AT.eyeBlinkRight] = blinks.at(seconds);
    turnEyes(weights, seen.look[0] - head[1], seen.look[1] + head[0]); // eyes stay on their target when the head moves
    const breath = breathing(seconds);
    weights[AT.browInnerUp] += BROW_BREATH * breath + BROW_BEAT * nods.brows.at;
    weights[AT.browOuterUpLeft] += 0.5 * BROW_BEAT * nods.brows.at;
    weights[AT.browOuterUpRight] += 0.5 * BROW_BEAT * nods.brows.at;
    for (let k = 0; k < weights.length; k++) weights[k] = Math.min(1, Math.max(0, weights[k]));
    return { weights, head, breath };
  }
}

/** Each part draws its own chances, so that a nod does not change the next blink. @param {() => number} chance @param {number} time */
function born(chance, time) {
  const own = () => random(2 ** 32 * chance());
  return { blinks: new Blinks(own(), time), gaze: new Gaze(own(), time), nods: new Nods(own(), time) };
}

/** @param {Float32Array} weights @param {number} across radians to her left, within the head @param {number} up radians */
function turnEyes(weights, across, up) {
  const x = across / FULL_LOOK[0];
  const y = up / FULL_LOOK[1];
  weights[AT.eyeLookOutLeft] = weights[AT.eyeLookInRight] = Math.max(0, x);
  weights[AT.eyeLookInLeft] = weights[AT.eyeLookOutRight] = Math.max(0, -x);
  weights[AT.eyeLookUpLeft] = weights[AT.eyeLookUpRight] = Math.max(0, y);
  weights[AT.eyeLookDownLeft] = weights[AT.eyeLookDownRight] = Math.max(0, -y);
}

/** How full the chest is, 0..1. @param {number} seconds */
function breathing(seconds) {
  const share = (((seconds / BREATH) % 1) + 1) % 1;
  return 0.5 - 0.5 * Math.cos(Math.PI * (share < INHALE ? share / INHALE : 1 + (share - INHALE) / (1 - INHALE)));
}
