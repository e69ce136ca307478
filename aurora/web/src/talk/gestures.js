// @ts-check
// What her face does beside speech, as the server tells it: whom she attends to, when she nods, and the mood of her words
// along their sound. Pure; everything from the server is looked at before it is believed.

/** How each mood is said in a word. @type {Readonly<Record<string, string>>} */
export const MOODS = {
  amazement: 'amazed', anger: 'angry', cheekiness: 'cheeky', disgust: 'disgusted', fear: 'worried', grief: 'grieving',
  joy: 'joyful', outofbreath: 'out of breath', pain: 'in pain', sadness: 'sad',
};

const ATTENTION = new Set(['listening', 'hearing', 'thinking', 'speaking']);
/** Items whose moods are kept, changes of one, nods that wait for a picture. */
const ITEMS = 8, CHANGES = 1000, NODS = 4;
/** Seconds for which a mood stays when nothing is heard: between two sounds it does not flicker. */
const STAYS = 0.6;
/** The deepest nod, radians. */
const DEEPEST = 0.2;

/** @typedef {{name: string, share: number}} Mood */
/** @typedef {{depth: number, twice: boolean}} Nod */
/** @typedef {{attention: string | null, mood: Mood, nods: Nod[]}} Shown `attention` is null where the server tells none */

/** @type {Readonly<Mood>} */
const NONE = Object.freeze({ name: '', share: 0 });

/** @param {unknown} value @returns {value is number} */
const number = value => typeof value === 'number' && Number.isFinite(value);

export class Gestures {
  constructor() {
    /** @type {string | null} */
    this.attention = null;
    /** @type {Nod[]} */
    this.nods = [];
    /** @type {Map<string, {from: number, mood: Mood}[]>} by item, in the order of the sound */
    this.moods = new Map();
    this.felt = { mood: NONE, at: -Infinity };
  }

  /** @param {any} event a wire event @returns {{type: string, mood: string}[]} */
  take(event) {
    switch (event.type) {
      case 'sophia.attention':
        if (ATTENTION.has(event.to)) this.attention = event.to;
        break;
      case 'sophia.nod':
        if (!number(event.depth) || event.depth <= 0 || this.nods.length >= NODS) break;
        this.nods.push({ depth: Math.min(DEEPEST, event.depth), twice: event.twice === true });
        break;
      case 'sophia.mood': {
        const { item_id: item, audio_start_ms: from, mood, share } = event;
        if (typeof item !== 'string' || !number(from) || !number(share) || !(mood === '' || Object.hasOwn(MOODS, mood))) break;
        const changes = this.moods.get(item) ?? [];
        this.moods.set(item, changes);
        if (this.moods.size > ITEMS) this.moods.delete(/** @type {string} */ (this.moods.keys().next().value));
        if (changes.length < CHANGES) changes.push({ from: from / 1000, mood: { name: mood, share: Math.min(1, Math.max(0, share)) } });
        return mood ? [{ type: 'mood', mood }] : [];
      }
      default:
    }
    return [];
  }

  /**
   * What to show now; a nod is given once. Ask with times that do not go back.
   * @param {{item: string, seconds: number, playing: boolean} | null} position what is heard @param {number} now seconds
   * @returns {Shown}
   */
  shown(position, now) {
    const { nods } = this;
    this.nods = [];
    if (position?.playing) {
      const changes = this.moods.get(position.item) ?? [];
      this.felt = { mood: changes.findLast(({ from }) => from <= position.seconds)?.mood ?? NONE, at: now };
    }
    return { attention: this.attention, mood: now - this.felt.at < STAYS ? this.felt.mood : NONE, nods };
  }
}
