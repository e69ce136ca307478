// @ts-check
// What was said, and how long it took: the turns with their captions, their waterfall and their list.
import { MOODS } from '../talk/gestures.js';
import { Captions } from './captions.js';
import { $, write } from './dom.js';
import { Envelope } from './envelope.js';
import { Numbers } from './figures.js';
import { axisEnd, ms, total } from './ledger.js';
import { aloud } from './scene.js';
import { TurnList } from './turnlist.js';
import { Turns } from './turns.js';
import { TurnPlot } from './waterfall.js';

/**
 * @typedef {import('./turns.js').Turn} Turn
 * @typedef {object} Moment
 * @property {number} now  ms of the server's clock
 * @property {{item: string, seconds: number, playing: boolean}|null} position  what is heard, or was last
 * @property {{you: number, her: number}} levels  0..1
 * @property {string} floor
 */

const PACE = 45;            // ms between two drawings of a turn that goes on
const VOICES = [500, 8000]; // ms before and after zero of which a turn keeps both voices

export class Conversation {
  /** @param {number} budget ms @param {{aloud: () => boolean}} ask */
  constructor(budget, ask) {
    this.budget = budget;
    this.ask = ask;
    this.turns = new Turns();
    this.envelope = new Envelope();
    this.captions = new Captions($('captions'));
    this.plot = new TurnPlot($('turn'), budget);
    this.list = new TurnList($('turns'), budget, turn => this.choose(turn));
    this.numbers = new Numbers(budget);
    /** @type {Turn|null} an earlier turn that is looked at */
    this.chosen = null;
    /** The first mood of the newest turn's reply, for those who do not see her. */
    this.mood = '';
    /** @type {Moment} */
    this.moment = { now: 0, position: null, levels: { you: 0, her: 0 }, floor: 'listening' };
    this.drawnAt = -Infinity;
    /** @type {import('./ledger.js').Tile[][]} the tiles of every other turn than the one that is shown */
    this.others = [];
    this.othersOf = '';
    $('trace').onclick = () => this.copyTrace();
    this.draw();
  }

  /** A new session: its clock and its numbers begin anew, the turns before it stay in the list. */
  restart() {
    this.turns.restart();
    this.envelope.clear();
    this.captions.clear();
    this.chosen = null;
  }

  /** @param {{type: string, [more: string]: any}} event */
  tell(event) {
    if (event.type === 'mood') this.mood ||= MOODS[event.mood];
    if (event.type === 'turn') this.mood = '';
    const turn = this.turns.tell(event);
    if (!turn) return;
    switch (event.type) {
      case 'turn':
        this.chosen = null;
        if (!event.over) this.captions.clear();
        this.list.choose(null);
        break;
      case 'partial':
      case 'final':
        if (turn === this.turns.last) this.captions.user(turn.user, turn.sure);
        if (event.type === 'final' && this.ask.aloud()) aloud($('you-name').textContent, turn.user);
        break;
      case 'reply':
        if (!this.captions.reply) this.captions.show(turn.reply);
        break;
      case 'cut':
        if (this.captions.reply?.item === event.item && !this.captions.reply?.heard) this.captions.show(null);
        break;
      case 'done':
        this.list.draw(this.turns.list, this.chosen);
        this.numbers.session(this.turns.list);
        if (this.ask.aloud()) aloud(this.mood ? `Sophia, ${this.mood}` : 'Sophia', turn.ledger.heard ?? turn.reply?.halves()[0] ?? '');
        this.draw();
        break;
      default:
    }
  }

  /** One frame. @param {Moment} moment */
  tick(moment) {
    this.moment = moment;
    const { now, position, levels } = moment;
    this.envelope.note({ at: now, ...levels });
    if (position) {
      const reply = this.turns.replyOf(position.item);
      reply?.hear(position.seconds);
      if (reply?.heard && position.playing) this.captions.show(reply);
    }
    this.captions.draw();
    const { last } = this.turns;
    if (!last || now - this.drawnAt < PACE) return;
    this.drawnAt = now;
    const zero = last.zero;
    const settled = zero !== null && last.heard && now - zero > axisEnd(last.wait ?? 0) + PACE;
    if (zero === null || now < zero + VOICES[1]) last.voices = this.voicesOf(last);
    if (!this.chosen && !settled) this.draw();
  }

  /** @param {Turn} turn */
  voicesOf(turn) {
    const zero = turn.zero ?? this.moment.now;
    return this.envelope.between(zero - VOICES[0], zero + VOICES[1]);
  }

  /** @param {Turn} turn */
  choose(turn) {
    this.chosen = turn === this.chosen ? null : turn;
    this.list.choose(this.chosen);
    this.draw();
  }

  /** Shows the chosen turn, or the newest. */
  draw() {
    const turn = this.chosen ?? this.turns.last ?? this.turns.list.at(-1) ?? null;
    const open = !!turn && !turn.ledger;
    const { now, floor } = this.moment;
    const speaking = open && !turn.heard && !turn.typed && (turn.zero === null || floor === 'hearing');
    const until = open ? now : Infinity;
    const others = this.othersThan(turn);
    const voices = !turn ? [] : speaking ? this.envelope.between(now - VOICES[0], now) : turn.voices;
    this.plot.show(turn, { now: speaking ? now : until, speaking, others, voices });
    this.title(turn, speaking);

    const waiting = open && !speaking && !turn.heard && turn.zero !== null;
    if (this.chosen) this.numbers.big(`turn ${this.chosen.number}`, this.chosen.wait);
    else if (turn && waiting) this.numbers.big('waiting', total(turn.tiles(now)));
    else if (turn?.wait != null) this.numbers.big('last turn', turn.wait);
    else this.numbers.big('last turn', this.turns.list.findLast(one => one.wait !== null)?.wait ?? null);
  }

  /** The tiles of the other turns; made anew only where they have changed. @param {Turn|null} turn */
  othersThan(turn) {
    const key = `${turn?.number} ${turn?.past} ${!!turn?.ledger} ${this.turns.finished}`;
    if (key !== this.othersOf) {
      this.othersOf = key;
      this.others = this.turns.list.filter(one => one !== turn && one.wait !== null).map(one => one.tiles());
    }
    return this.others;
  }

  /** @param {Turn|null} turn @param {boolean} speaking */
  title(turn, speaking) {
    write($('turn-title'), turn ? `Turn ${turn.number}${speaking ? ', listening' : ''}` : 'No turn yet');
    const excess = (turn?.wait ?? 0) - this.budget;
    const tags = [excess > 0 ? `${ms(excess)} ms over budget` : '', turn?.outcome ?? ''];
    write($('turn-tag'), tags.filter(Boolean).join(', '));
    const trace = turn?.ledger?.trace_id ?? '';
    $('trace').hidden = !trace;
    $('trace').dataset.trace = trace;
    if (trace) write($('trace'), `trace ${trace.slice(0, 8)}`);
  }

  async copyTrace() {
    const { trace } = $('trace').dataset;
    try {
      await navigator.clipboard.writeText(trace);
      $('status').textContent = 'Trace id copied.';
      write($('trace'), 'copied');
      setTimeout(() => this.draw(), 1500);
    } catch {
      write($('trace'), trace);  // no clipboard here: it can be selected
    }
  }
}
