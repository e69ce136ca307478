// @ts-check
// The numbers of the latency sheet, and the same in one line for a phone.
import { $, write } from './dom.js';
import { ms, quantile } from './ledger.js';
import { strip } from './turnlist.js';

/** @typedef {import('./turns.js').Turn} Turn */

/** Signed milliseconds. @param {number} value */
export const signed = value => `${value < 0 ? '−' : '+'}${Math.abs(Math.round(value))} ms`;

export class Numbers {
  /** @param {number} budget ms */
  constructor(budget) {
    this.budget = budget;
    /** @type {Turn|null} */
    this.briefed = null;
    write($('fig-budget'), ms(budget));
  }

  /**
   * The big one: a chosen turn, the wait that goes on, or the last turn.
   * @param {string} label @param {number|null} wait ms
   */
  big(label, wait) {
    write($('fig-label'), label);
    write($('fig-last'), ms(wait));
    $('fig-unit').hidden = wait === null;
    $('fig-big').classList.toggle('none', wait === null);
    $('fig-big').classList.toggle('late', (wait ?? 0) > this.budget);
  }

  /** Median, p95, how many were late. @param {Turn[]} turns */
  session(turns) {
    const waits = turns.map(turn => turn.wait).filter(wait => wait !== null);
    write($('fig-p50'), ms(quantile(waits, 0.5)));
    write($('fig-p95'), ms(quantile(waits, 0.95)));
    const facts = [];
    if (waits.length) facts.push(`${waits.filter(wait => wait > this.budget).length} of ${waits.length} over budget`);
    const skew = turns.findLast(turn => turn.ledger?.lip_skew_ms != null)?.ledger.lip_skew_ms;
    if (skew !== undefined) facts.push(`lips ${signed(skew)}`);
    write($('facts'), facts.join(' · '));
    this.brief(turns.findLast(turn => turn.wait !== null) ?? null);
  }

  /** @param {Turn|null} turn */
  brief(turn) {
    if (!turn || turn === this.briefed) return;
    this.briefed = turn;
    const wait = turn.wait ?? 0;
    write($('brief-ms'), `${ms(wait)} ms`);
    $('brief-ms').classList.toggle('late', wait > this.budget);
    $('brief-strip').replaceChildren(strip(turn, Math.max(1.25 * this.budget, wait), this.budget));
    $('brief').classList.add('has');
  }
}
