// @ts-check
// The book of turns: folds what the session tells into one record a turn. Pure; times in ms of the server's clock.
//
// Until the ledger comes with `done`, a turn is what its instants say. Those of a reply carry its generation, and only
// the newest that was not dropped counts: a dropped speculation takes its tiles back.
import { tiles, tilesOf, total } from './ledger.js';
import { Spoken } from './words.js';

/**
 * @typedef {import('./ledger.js').Tile} Tile
 * @typedef {{at: number, what: string, reason: string}} Decision
 * @typedef {import('./envelope.js').Loudness} Loudness
 */

/** Instants of the reply: another attempt forgets them. */
const OF_A_REPLY = new Set([
  'transcript', 'started', 'first_token', 'first_word', 'first_clause', 'first_audio', 'released', 'played',
  'first_frame', 'last_token', 'last_audio',
]);
/** Decisions that explain a turn's time and outcome; sophia/decisions.py has them all. */
const TOLD = new Set([
  'start', 'commit', 'drop', 'dismiss', 'resume', 'interrupt', 'reopen', 'reprompt', 'apologise', 'refuse',
]);
const KEEP = 200;

export class Turn {
  /** @param {number} number @param {{over?: boolean, typed?: boolean}} [kind] */
  constructor(number, { over = false, typed = false } = {}) {
    this.number = number;
    this.over = over;
    this.typed = typed;
    this.user = '';
    this.sure = 0;
    /** @type {Record<string, number>} instants of the user's side */
    this.own = {};
    /** @type {Map<number, Record<string, number>>} instants of each attempt at a reply */
    this.attempts = new Map();
    /** @type {Set<number>} */
    this.dropped = new Set();
    /** @type {Decision[]} */
    this.decisions = [];
    /** @type {Map<string, Spoken>} replies by item, the newest last */
    this.replies = new Map();
    /** @type {any} sophia.turn.ledger, once the turn is over */
    this.ledger = null;
    /** @type {Loudness[]} both voices about the silence, once the turn is over */
    this.voices = [];
    /** It belongs to a session before this one. */
    this.past = false;
  }

  get reply() {
    return [...this.replies.values()].at(-1) ?? null;
  }

  /** When the user's last sound was, or null while they speak or where they typed. @returns {number|null} */
  get zero() {
    return this.ledger ? this.ledger.zero_at_ms ?? null : this.own.voice_end ?? null;
  }

  /** All instants that count, in ms since `zero`. @param {number} zero @returns {Record<string, number>} */
  marks(zero) {
    /** @type {Record<string, number>} */
    const marks = {};
    const alive = [...this.attempts].filter(([generation]) => !this.dropped.has(generation));
    const newest = alive.sort(([a], [b]) => a - b).at(-1)?.[1] ?? {};
    for (const [name, at] of Object.entries({ ...this.own, ...newest })) marks[name] = at - zero;
    return marks;
  }

  /** The tiles of the silence until `now` (server's ms). @param {number} [now] @returns {Tile[]} */
  tiles(now = Infinity) {
    if (this.ledger?.voice_to_voice_ms != null) return tilesOf(this.ledger.contributions ?? {});
    const zero = this.zero;
    if (zero === null) return tiles({}, -1);
    const since = this.ledger ? Math.max(0, ...Object.values(this.marks(zero))) : now - zero;
    return tiles(this.marks(zero), since);
  }

  /** Whether her voice was heard. */
  get heard() {
    return this.ledger ? this.ledger.voice_to_voice_ms != null : this.marks(0).played !== undefined;
  }

  /** Voice-to-voice in ms, or null. */
  get wait() {
    if (this.ledger) return /** @type {number|null} */ (this.ledger.voice_to_voice_ms ?? null);
    return this.heard && this.zero !== null ? total(this.tiles()) : null;
  }

  /** How it ended, in a word or two; empty for a plain reply. */
  get outcome() {
    const words = {
      interrupted: 'cut off', reprompted: 'asked again', dropped: 'nothing to answer', joined: 'went on',
      broken: 'broke off', failed: 'failed', called: 'used a tool',
    };
    const outcome = /** @type {keyof typeof words} */ (this.ledger?.outcome);
    return words[outcome] ?? (this.typed && this.ledger ? 'typed' : '');
  }
}

export class Turns {
  constructor() {
    /** @type {Map<number, Turn>} turns that go on */
    this.open = new Map();
    /** @type {Turn[]} turns that are over, the newest last */
    this.list = [];
    /** @type {Turn|null} the newest, over or not */
    this.last = null;
    /** How many turns have ended. */
    this.finished = 0;
  }

  /**
   * Takes in one event of the session.
   * @param {{type: string, [more: string]: any}} event
   * @returns {Turn|null} the turn that it changed
   */
  tell(event) {
    switch (event.type) {
      case 'turn': return this.begin(event.turn, event);
      case 'partial': return this.say(event.turn, event.text, event.sure);
      case 'final': return this.say(event.turn, event.text, event.text.length);
      case 'mark': return this.mark(event);
      case 'decision': return this.decide(event);
      case 'reply': return this.script(event);
      case 'cut': return this.cut(event);
      case 'done': return this.done(event.ledger);
      default: return null;
    }
  }

  /** @param {number} number @param {any} [kind] @returns {Turn} */
  begin(number, kind) {
    const turn = this.open.get(number) ?? new Turn(number, kind);
    this.open.set(number, turn);
    if (!this.last || number >= this.last.number) this.last = turn;
    for (const old of [...this.open.keys()].slice(0, -8)) this.open.delete(old);
    return turn;
  }

  /** Another session begins: numbers start again, and its marks have another clock. */
  restart() {
    this.open.clear();
    this.last = null;
    for (const turn of this.list) turn.past = true;
  }

  /** @param {string} item @returns {Spoken|null} */
  replyOf(item) {
    return [...this.open.values(), ...this.list.slice(-4)].find(turn => turn.replies.has(item))?.replies.get(item) ?? null;
  }

  /** The turn of that number, over or not. @param {number} number @returns {Turn} */
  of(number) {
    return this.open.get(number) ?? this.list.findLast(turn => turn.number === number && !turn.past) ?? this.begin(number);
  }

  /** @param {number} number @param {string} text @param {number} sure */
  say(number, text, sure) {
    const turn = this.of(number);
    if (turn.ledger) return turn;
    turn.user = text;
    turn.sure = sure;
    return turn;
  }

  /** @param {any} event */
  mark({ turn: number, generation, name, at }) {
    const turn = this.of(number);
    const attempt = turn.attempts.get(generation ?? 0) ?? {};
    if (OF_A_REPLY.has(name)) turn.attempts.set(generation ?? 0, attempt);
    (OF_A_REPLY.has(name) ? attempt : turn.own)[name] = at;  // the last note stands: the user may go on
    return turn;
  }

  /** @param {any} event */
  decide({ turn: number, generation, what, reason, at }) {
    const turn = this.of(number);
    if (what === 'drop') turn.dropped.add(generation);
    if (what === 'start' && generation && !turn.attempts.has(generation)) turn.attempts.set(generation, {});
    if (TOLD.has(what)) turn.decisions.push({ at, what, reason });
    if (turn.decisions.length > 12) turn.decisions.shift();
    return turn;
  }

  /** @param {any} event */
  script({ turn: number, item, words }) {
    const turn = this.of(number);
    const reply = turn.replies.get(item) ?? new Spoken(item);
    turn.replies.set(item, reply);
    reply.append(words);
    return turn;
  }

  /** @param {any} event */
  cut({ item, at }) {
    const turn = [...this.open.values(), ...this.list].reverse().find(one => one.replies.has(item));
    const reply = turn?.replies.get(item);
    reply?.cut(at);
    if (!reply?.heard) turn?.replies.delete(item);  // nobody heard of it: an attempt that was given up
    return turn ?? null;
  }

  /** @param {any} ledger */
  done(ledger) {
    const turn = this.of(ledger.turn);
    this.open.delete(ledger.turn);
    this.finished += 1;
    turn.ledger = ledger;
    turn.user = ledger.user || turn.user;
    turn.sure = turn.user.length;
    if (Array.isArray(ledger.decisions) && ledger.decisions.length) {
      turn.decisions = ledger.decisions
        .map((/** @type {any} */ one) => ({ at: one.at_ms, what: one.decision, reason: one.reason }))
        .filter((/** @type {Decision} */ one) => TOLD.has(one.what)).slice(-12);
    }
    const nothing = !turn.user && !turn.replies.size && turn.wait === null;
    if (ledger.outcome !== 'joined' && !nothing && !this.list.includes(turn)) this.list.push(turn);
    if (this.list.length > KEEP) this.list.shift();
    return turn;
  }
}
