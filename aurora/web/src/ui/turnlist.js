// @ts-check
// All turns of the session, the newest on top, each a strip on one common scale; one can be chosen.
import { make } from './dom.js';
import { ms } from './ledger.js';

/** @typedef {import('./turns.js').Turn} Turn */

/** Turns that may still change after they ended: what was heard of them is told a little later. */
const NEWEST = 3;

/** A turn as one strip. @param {Turn} turn @param {number} scale ms of the full width @param {number} budget ms */
export function strip(turn, scale, budget) {
  const bar = make('span', 'strip');
  bar.setAttribute('aria-hidden', 'true');
  for (const tile of turn.tiles()) {
    if (tile.ms <= 0) continue;
    const part = bar.appendChild(make('i', tile.id));
    part.style.width = `${(100 * tile.ms) / scale}%`;
  }
  const tick = bar.appendChild(make('i', 'tick'));
  tick.style.left = `${(100 * budget) / scale}%`;
  return bar;
}

export class TurnList {
  /** @param {HTMLElement} root @param {number} budget ms @param {(turn: Turn) => void} onChoose */
  constructor(root, budget, onChoose) {
    this.root = root;
    this.budget = budget;
    this.onChoose = onChoose;
    /** @type {Map<Turn, HTMLButtonElement>} the newest last */
    this.buttons = new Map();
    this.scale = NaN;
    root.addEventListener('keydown', event => this.move(event));
  }

  /** @param {KeyboardEvent} event */
  move(event) {
    const all = [...this.root.querySelectorAll('button')];
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    all[Math.max(0, Math.min(all.length - 1, to))]?.focus();
    event.preventDefault();
  }

  /** Draws the newest again, which may still change, and all where the common scale has changed. @param {Turn[]} turns @param {Turn|null} chosen */
  draw(turns, chosen) {
    const focused = [...this.buttons].find(([, button]) => button === document.activeElement)?.[0];
    const scale = Math.max(this.budget * 1.25, ...turns.map(turn => turn.wait ?? 0));
    const stays = new Set(scale === this.scale ? turns.slice(0, -NEWEST) : []);
    this.scale = scale;
    for (const [turn, button] of this.buttons) {
      if (stays.has(turn)) continue;
      this.buttons.delete(turn);
      button.parentElement?.remove();
    }
    for (const turn of turns) {
      if (this.buttons.has(turn)) continue;
      const button = this.row(turn, scale);
      this.buttons.set(turn, button);
      const line = make('li');
      line.append(button);
      this.root.prepend(line);
    }
    this.choose(chosen);
    if (focused) this.buttons.get(focused)?.focus();
  }

  /** @param {Turn} turn @param {number} scale */
  row(turn, scale) {
    const excess = (turn.wait ?? 0) - this.budget;
    const button = make('button', excess > 0 ? 'late' : '');
    button.type = 'button';
    const value = make('span', 'ms', ms(turn.wait));
    if (turn.wait !== null) value.append(make('span', 'unseen', excess > 0 ? ' milliseconds, over the budget' : ' milliseconds'));
    const tag = turn.outcome || (excess > 0 ? `+${ms(excess)}` : '');
    const said = make('span', 'said', turn.user || '(no words)');
    const answer = make('span', 'answer');
    said.dir = answer.dir = 'auto';
    const [heard, unheard] = turn.reply?.halves() ?? ['', ''];
    answer.append(heard);
    if (unheard) answer.append(' ', make('s', '', unheard));
    button.append(
      make('span', 'n', `${turn.number}`), said, make('span', 'tag', tag), value,
      strip(turn, scale, this.budget), answer,
    );
    button.addEventListener('click', () => this.onChoose(turn));
    return button;
  }

  /** Marks the chosen turn; only one of the list is a tab stop. @param {Turn|null} turn */
  choose(turn) {
    const stop = turn && this.buttons.has(turn) ? turn : [...this.buttons.keys()].at(-1);
    for (const [one, button] of this.buttons) {
      button.setAttribute('aria-current', String(one === turn));
      button.tabIndex = one === stop ? 0 : -1;
    }
  }
}
