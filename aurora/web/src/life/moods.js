// @ts-check
// Moods: how the state of the conversation shows in her face. Quietly: a share of what aurora/head/moods.json holds.

import MOODS from '../../../head/moods.json' with { type: 'json' };
import { ARKIT } from '../arkit.js';
import { Spring } from './spring.js';

/** Share of each mood in each state of the floor; in a state that is not named she rests. */
/** @type {Readonly<Record<string, Readonly<Record<string, number>>>>} */
const MIX = {
  listening: { attentive: 0.5 },
  hearing: { attentive: 1 },
  thinking: { attentive: 0.2, thinking: 0.45 },
  speaking: { attentive: 0.3, joy: 0.12 },
  interrupted: { attentive: 0.8, surprise: 0.18 },
};
/** Which of these a mood of her words is, and how much of it is hers beside what her speech shows of it. */
/** @type {Readonly<Record<string, string>>} */
const FELT = {
  amazement: 'surprise', anger: 'anger', cheekiness: 'joy', disgust: 'disgust', fear: 'fear', grief: 'sadness', joy: 'joy',
  pain: 'sadness', sadness: 'sadness',
};
const FELT_SHARE = 0.3;
/** A mood comes and goes in about a second. */
const QUICKNESS = 4;

/** @type {readonly {name: string, weights: Float32Array, head: readonly number[]}[]} */
const KNOWN = Object.entries(MOODS).map(([name, { weights, head }]) => ({
  name,
  // Gaze and lids are not a mood's business: they have their own clockwork.
  weights: Float32Array.from(ARKIT, (shape) => (/^eye(Look|Blink)/.test(shape) ? 0 : /** @type {Record<string, number>} */ (weights)[shape] ?? 0)),
  head,
}));

export class Moods {
  constructor() {
    this.springs = KNOWN.map(() => new Spring(QUICKNESS));
  }

  /**
   * Adds the moods of the floor to weights and head, or that of her words in their place.
   * @param {string} floor @param {number} passed seconds since the last call
   * @param {Float32Array} weights @param {[number, number, number]} head radians
   * @param {{name: string, share: number}} [felt] the mood of what is heard
   */
  add(floor, passed, weights, head, felt) {
    const own = felt && FELT[felt.name];
    const mix = own ? { [own]: FELT_SHARE * felt.share } : MIX[floor];
    KNOWN.forEach((mood, i) => {
      const share = this.springs[i].step(mix?.[mood.name] ?? 0, passed);
      if (share < 1e-4) return;
      for (let k = 0; k < weights.length; k++) weights[k] += share * mood.weights[k];
      for (let axis = 0; axis < 3; axis++) head[axis] += share * mood.head[axis];
    });
  }
}
