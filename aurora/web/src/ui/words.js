// @ts-check
// Her words by the clock of her sound, and yours by what the recogniser is sure of. Pure.

/** @typedef {{text: string, start: number, end: number}} Word  seconds in the item's sound; `text` has its own leading space */
/** @typedef {'ahead'|'heard'|'unheard'} Fate */

/** A reply's words as they are made, and which of them have been heard. */
export class Spoken {
  /** @param {string} item */
  constructor(item) {
    this.item = item;
    /** @type {Word[]} */
    this.words = [];
    /** Indices at which a new line begins, so that nothing moves that has been read. @type {Set<number>} */
    this.breaks = new Set();
    /** Seconds after which nothing was heard, or null. @type {number|null} */
    this.cutAt = null;
    /** How many words have been heard. */
    this.heard = 0;
    this.lineBegan = 0;
  }

  /**
   * More words. They join the last line as long as none of that line was read; else they begin a line of their own.
   * @param {Word[]} words
   */
  append(words) {
    if (!words.length) return;
    if (this.heard > this.lineBegan) {
      this.breaks.add(this.words.length);
      this.lineBegan = this.words.length;
    }
    this.words.push(...words);
  }

  /** Her sound stands at `seconds`. What was heard stays heard, also where she resumes a little earlier. @param {number} seconds */
  hear(seconds) {
    const limit = Math.min(seconds, this.cutAt ?? Infinity);
    while (this.heard < this.words.length && this.words[this.heard].start <= limit) {
      this.heard += 1;
      if (this.breaks.has(this.heard - 1)) this.lineBegan = this.heard - 1;
    }
  }

  /** She was stopped: nothing after second `at` was heard. @param {number} at */
  cut(at) {
    this.cutAt = at;
    this.heard = this.words.filter(word => word.start < at).length;
  }

  /** @param {number} index @returns {Fate} */
  fate(index) {
    if (index < this.heard) return 'heard';
    return this.cutAt === null ? 'ahead' : 'unheard';
  }

  /** What was heard, and what was made and never heard. @returns {[string, string]} */
  halves() {
    const text = (/** @type {Word[]} */ words) => words.map(word => word.text).join('').trim();
    if (this.cutAt === null) return [text(this.words), ''];
    return [text(this.words.slice(0, this.heard)), text(this.words.slice(this.heard))];
  }
}

const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/**
 * The user's words so far, split into what will not change and what may; never in the middle of a word.
 * @param {string} text
 * @param {number} sure  characters that will not change
 * @returns {[string, string]}
 */
export function split(text, sure) {
  if (sure >= text.length) return [text, ''];
  const inside = /\S/.test(text[sure - 1] ?? ' ') && /\S/.test(text[sure]);
  const at = inside ? wordAt(text, sure) : Math.max(0, sure);
  return [text.slice(0, at), text.slice(at)];
}

/** Where the word begins that character `at` is in. @param {string} text @param {number} at */
function wordAt(text, at) {
  const begin = text.lastIndexOf(' ', at) + 1;
  if (!UNSPACED.test(text.slice(begin, at)) || !globalThis.Intl?.Segmenter) return begin;
  const segments = new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text.slice(begin));
  return begin + (segments.containing(at - begin)?.index ?? 0);
}

/** @type {[RegExp, string][]} */
const SCRIPTS = [
  [/[\p{Script=Hiragana}\p{Script=Katakana}]/u, 'ja'], [/\p{Script=Hangul}/u, 'ko'], [/\p{Script=Han}/u, 'zh'],
];

/** The language of a text whose letters look otherwise in another one; nothing where that does not matter. @param {string} text */
export const tongue = text => SCRIPTS.find(([script]) => script.test(text))?.[1] ?? '';
