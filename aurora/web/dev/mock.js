// @ts-check
// A session that plays the script: what src/talk/session.js is to a server, without server, microphone and sound.
import { AT } from '../src/arkit.js';
import { level, say, script } from './script.js';

/** @typedef {import('../src/types.d.ts').Session} Session */

const ROUND = script();

/** Mouth shapes from letters: not speech science, only something for the lips to do. @type {Record<string, Record<string, number>>} */
const SHAPES = {
  a: { jawOpen: 0.36, mouthLowerDown: 0.3, mouthUpperUp: 0.15 },
  e: { jawOpen: 0.16, mouthStretch: 0.4, mouthLowerDown: 0.35, mouthUpperUp: 0.2 },
  i: { jawOpen: 0.1, mouthStretch: 0.4, mouthSmile: 0.25, mouthLowerDown: 0.3 },
  o: { jawOpen: 0.24, mouthFunnel: 0.5, mouthPucker: 0.3 },
  u: { jawOpen: 0.08, mouthPucker: 0.7, mouthFunnel: 0.3 },
  m: { mouthPress: 0.3 },
  s: { jawOpen: 0.05, mouthStretch: 0.3, mouthLowerDown: 0.3 },
};
const KIND = /** @type {Record<string, string>} */ (Object.fromEntries(
  Object.entries({ a: 'ah', e: 'el', i: 'iy', o: 'o', u: 'uwr', m: 'mbp', s: 'sztdcngkfv' })
    .flatMap(([shape, letters]) => [...letters].map(letter => [letter, shape])),
));

/** @implements {Session} */
export class MockSession extends EventTarget {
  /**
   * @param {object} page @param {{microphone?: boolean, consent?: string|null}} options
   * @param {{at?: number|null, first?: number}} [how] `at`: stand still at that second; `first`: turns before
   */
  constructor(page, options, { at = null, first = 0 } = {}) {
    super();
    this.page = page;
    this.microphone = options.microphone ?? true;
    this.consent = options.consent;
    this.still = at;
    this.first = first;
    this.began = 0;
    this.cursor = 0;
    this.rounds = 0;
    this.muted = false;
    this.on = false;
    /** @type {number|undefined} */
    this.timer = undefined;
    /** @type {any} */
    this.last = null;
    /** @type {any} typed text and its answer */
    this.typed = null;
    this.count = 100;
  }

  /** @param {string} type @param {object} [more] */
  tell(type, more = {}) {
    this.dispatchEvent(new CustomEvent('page', { detail: { type, ...more } }));
  }

  talk() {
    if (this.still !== null) {
      if (this.microphone) this.tell('granted');
      return this.open();
    }
    this.timer = setTimeout(() => {
      if (this.microphone) this.tell('granted');
      this.timer = setTimeout(() => this.open(), 600);
    }, 500);
  }

  watch() {
    if (this.still !== null) this.open();
    else this.timer = setTimeout(() => this.open(), 300);
  }

  open() {
    this.on = true;
    this.began = performance.now() / 1000;
    this.tell('open');
    if (this.consent) this.agree(this.consent);
    if (this.still === null) this.timer = setInterval(() => this.catchUp(), 10);
  }

  /** Seconds since it was opened. */
  get passed() {
    return this.still ?? performance.now() / 1000 - this.began;
  }

  /** Seconds into this round of the script. */
  get seconds() {
    return this.passed - this.rounds * ROUND.length;
  }

  /** Tells all that has happened until now. */
  catchUp() {
    for (;;) {
      while (this.cursor < ROUND.events.length && ROUND.events[this.cursor].t <= this.seconds) {
        const { t, type, ...more } = ROUND.events[this.cursor++];
        if (type === 'turn') this.typed = null;
        this.tell(type, this.moved(more, this.rounds * ROUND.length));
      }
      if (this.seconds <= ROUND.length) return;
      this.rounds += 1;
      this.cursor = 0;
    }
  }

  /** The script's round `this.rounds`: later times, higher numbers. @param {any} event @param {number} offset seconds */
  moved(event, offset) {
    const copy = structuredClone(event);
    const turns = this.first + 5 * this.rounds;
    for (const part of [copy, copy.ledger ?? {}]) {
      if (part.turn !== undefined) part.turn += turns;
      if (part.zero_at_ms !== undefined) part.zero_at_ms += 1000 * offset;
    }
    if (copy.item) copy.item = `${this.rounds}_${copy.item}`;
    if (copy.generation) copy.generation += 10 * this.rounds;
    if (copy.name || copy.what) copy.at += 1000 * offset;
    for (const one of copy.ledger?.decisions ?? []) one.at_ms += 1000 * offset;
    return copy;
  }

  /** Stands at second `at`; everything before it has been told. @param {number} at */
  seek(at) {
    this.still = at;
    this.catchUp();
  }

  end() {
    clearTimeout(this.timer);
    clearInterval(this.timer);
    this.on = false;
  }

  retry() { this.tell('open'); }

  /** @param {boolean} muted */
  mute(muted) { this.muted = muted; }

  /** An echo as the answer: enough to see a typed turn. @param {string} text */
  say(text) {
    const turn = ++this.count;
    const item = `typed_${turn}`;
    const words = say(`You wrote: ${text}`, 0);
    this.tell('turn', { turn, over: false, typed: true });
    this.tell('final', { turn, text });
    this.tell('reply', { item, turn, words });
    this.tell('speaking');
    const length = words[words.length - 1].end;
    const typed = { item, from: performance.now() / 1000, words, length };
    this.typed = typed;
    setTimeout(() => {
      this.tell('listening');
      const heard = words.map(word => word.text).join('');
      this.tell('done', { ledger: { turn, user: text, heard, outcome: 'replied', voice_to_voice_ms: null, contributions: {}, decisions: [] } });
    }, 1000 * length);
  }

  cancel() { this.tell('interrupted'); }

  unblock() { this.tell('allowed'); }
  /** @param {string} consent */
  agree(consent) { this.tell('kept', { consent, recording: consent === 'sound' }); }

  configure() {}

  time() { return performance.now() / 1000; }

  now() {
    return 1000 * this.passed;
  }

  position() {
    const { typed } = this;
    if (typed) {                               // it stays the last that was heard until the script goes on
      const seconds = Math.min(typed.length, performance.now() / 1000 - typed.from);
      return { item: typed.item, seconds, playing: seconds < typed.length };
    }
    const at = this.seconds;
    const span = ROUND.played.findLast(one => one.from <= at);
    if (!span) return null;
    return { item: `${this.rounds}_${span.item}`, seconds: span.at + Math.min(at, span.to) - span.from, playing: at < span.to };
  }

  levels() {
    const typed = this.typed ? level(this.typed.words, performance.now() / 1000 - this.typed.from) : 0;
    return { you: this.muted ? 0 : ROUND.you(this.seconds), her: typed || ROUND.her(this.seconds) };
  }

  /** @returns {Float32Array|null} */
  weights() {
    const t = this.seconds;
    const near = ROUND.voices.her.filter(word => t > word.start - 0.04 && t < word.end + 0.06);
    const position = this.position();
    if (!near.length || !position?.playing) {
      this.last = null;
      return null;
    }
    const weights = new Float32Array(52);
    for (const word of near) {
      const letters = [...word.text.toLowerCase()].filter(letter => KIND[letter]);
      const x = ((t - word.start) / (word.end - word.start)) * letters.length - 0.5;
      letters.forEach((letter, index) => {
        const share = 0.72 * Math.max(0, 1 - Math.abs(x - index) / 1.3) * Math.max(0.15, ROUND.gain(t));
        for (const [shape, weight] of Object.entries(SHAPES[KIND[letter]])) {
          for (const name of shape in AT ? [shape] : [`${shape}Left`, `${shape}Right`]) {
            weights[AT[name]] = Math.min(1, weights[AT[name]] + weight * share);
          }
        }
      });
    }
    this.last = { t: performance.now() / 1000, item: position.item, frame: position.seconds, heard: position.seconds };
    return weights;
  }

  drawn() { return this.last; }

  gesture() { return { attention: null, mood: { name: '', share: 0 }, nods: [] }; }

  figures() {
    return { underruns: 0, skewMs: 4, missing: 0, echo: this.microphone ? 'remote-only' : null, device: null };
  }
}
