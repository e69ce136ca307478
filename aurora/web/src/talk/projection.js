// @ts-check
// What the wire's events mean to the page: turns, words, marks, the floor. Pure; sound and face are voice.js's business.
// Everything from the server is looked at before it is believed: a field that is not what it should be drops its event.

const FLOOR = new Set(['listening', 'hearing', 'thinking', 'speaking', 'ducked', 'paused', 'interrupted']);

/** Floor states in which a voice is one over hers. */
const HERS = new Set(['speaking', 'ducked', 'paused', 'interrupted']);

/** Items whose turn is remembered, words of one event, characters of a word or a notice. */
const ITEMS = 64, WORDS = 2000, CHARACTERS = 2000;

/** @param {unknown} value @returns {value is number} */
const number = value => typeof value === 'number' && Number.isFinite(value);

/** @param {unknown} value @returns {value is string} */
const text = value => typeof value === 'string' && value.length <= CHARACTERS;

/** @typedef {{type: string, [field: string]: any}} Told an event of the page */

export class Projection {
  constructor() {
    this.floor = 'listening';
    this.turn = -1; // the newest
    /** @type {Map<string, number>} turn by item or response */
    this.turns = new Map();
    /** @type {string[]} typed texts whose turn has not begun */
    this.typed = [];
  }

  /** The user typed this, and the next turn is its. @param {string} words */
  type(words) { this.typed.push(words); }

  /** @param {any} event a wire event @returns {Told[]} */
  take(event) {
    switch (event.type) {
      case 'sophia.floor':
        if (!FLOOR.has(event.state)) return [];
        this.floor = event.state;
        return [{ type: event.state }];
      case 'sophia.turn.mark': {
        const { turn, generation, mark, at_ms: at } = event;
        return number(turn) && text(mark) && number(at) ? [...this.#begun(turn), { type: 'mark', turn, generation, name: mark, at }] : [];
      }
      case 'sophia.turn.decision': {
        const { turn, generation, decision, reason, at_ms: at } = event;
        if (!number(turn) || !text(decision) || !text(reason) || !number(at)) return [];
        return [...this.#begun(turn), { type: 'decision', turn, generation, what: decision, reason, at }];
      }
      case 'sophia.recording':
        return text(event.consent) ? [{ type: 'kept', consent: event.consent, recording: event.recording === true }] : [];
      case 'sophia.turn.ledger':
        return number(event.turn) ? [...this.#begun(event.turn), { type: 'done', ledger: event }] : [];
      case 'sophia.transcript': {
        const turn = this.#of(event.turn, event.item_id);
        if (typeof event.text !== 'string' || !number(event.sure)) return [];
        return [...this.#begun(turn), { type: 'partial', turn, text: event.text, sure: event.sure }];
      }
      case 'conversation.item.input_audio_transcription.completed': {
        const turn = this.#of(event.sophia?.turn, event.item_id);
        return typeof event.transcript === 'string' ? [...this.#begun(turn), { type: 'final', turn, text: event.transcript }] : [];
      }
      case 'response.created':
        this.#belongs(event.response?.id, event.sophia?.turn);
        return [];
      case 'response.output_item.added':
        this.#belongs(event.item?.id, this.#of(event.sophia?.turn, event.response_id));
        return [];
      case 'sophia.words': {
        if (!text(event.item_id) || !Array.isArray(event.words) || event.words.length > WORDS) return [];
        const words = event.words.filter((/** @type {any} */ w) => Array.isArray(w) && text(w[0]) && number(w[1]) && number(w[2]))
          .map((/** @type {[string, number, number]} */ [word, start, end]) => ({ text: word, start: start / 1000, end: end / 1000 }));
        return words.length ? [{ type: 'reply', item: event.item_id, turn: this.#of(undefined, event.item_id), words }] : [];
      }
      case 'sophia.notice': {
        const { service, state, message, hint } = event;
        if (!text(message)) return [];
        return text(service) && state !== 'skipped' ? [{ type: 'service', service, state, message, hint: text(hint) ? hint : '' }] : [{ type: 'notice', message }];
      }
      default:
        return [];
    }
  }

  /** @param {number} turn @returns {Told[]} */
  #begun(turn) {
    if (turn <= this.turn) return [];
    this.turn = turn;
    const words = this.typed.shift();
    const told = [{ type: 'turn', turn, over: HERS.has(this.floor), typed: words !== undefined }];
    return words === undefined ? told : [...told, { type: 'final', turn, text: words }];
  }

  /** @param {unknown} told @param {unknown} id */
  #of(told, id) {
    const turn = number(told) ? told : (this.turns.get(/** @type {string} */ (id)) ?? Math.max(0, this.turn));
    this.#belongs(id, turn);
    return turn;
  }

  /** @param {unknown} id @param {unknown} turn */
  #belongs(id, turn) {
    if (!text(id) || !number(turn)) return;
    this.turns.set(id, turn);
    if (this.turns.size > ITEMS) this.turns.delete(/** @type {string} */ (this.turns.keys().next().value));
  }
}
