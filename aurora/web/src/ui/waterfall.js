// @ts-check
// One turn in detail: the silence between the user's last sound and her first, tiled by what it was spent on.
import { make, svg, write } from './dom.js';
import { bars } from './envelope.js';
import { STAGES, axisEnd, axisStep, ms, quantile, total, usual } from './ledger.js';

/**
 * @typedef {import('./turns.js').Turn} Turn
 * @typedef {import('./ledger.js').Tile} Tile
 * @typedef {import('./envelope.js').Loudness} Loudness
 * @typedef {object} Row
 * @property {HTMLButtonElement} name
 * @property {HTMLElement} track
 * @property {HTMLElement} bar
 * @property {HTMLElement} usual
 * @property {HTMLElement} value
 * @property {HTMLElement} spoken
 */

const BEFORE = 400;     // ms of the user's voice that are shown left of zero
const SHORTEST = 600;   // the axis is never shorter than this silence wants it
const DIAMONDS = 4;

export class TurnPlot {
  /** @param {HTMLElement} root @param {number} budget ms */
  constructor(root, budget) {
    this.root = root;
    this.budget = budget;
    this.grid = /** @type {HTMLElement} */ (root.querySelector('.plot'));
    this.readout = /** @type {HTMLElement} */ (root.querySelector('.readout'));
    /** @type {string|null} the stage that is looked at */
    this.chosen = null;
    /** @type {Turn|null} */
    this.turn = null;
    /** @type {Tile[]} */
    this.list = [];
    /** @type {Tile[][]} */
    this.others = [];
    this.since = 0;
    this.zero = 0;
    this.end = axisEnd(SHORTEST);
    this.axisKey = this.lanesKey = this.usualKey = this.said = '';

    this.youLane = this.lane('You', 'you');
    this.rows = new Map(STAGES.map(stage => [stage.id, this.row(stage)]));
    this.herLane = this.lane('Sophia', 'her');
    this.axis = this.grid.appendChild(make('div', 'axis'));
    this.over = this.overlay();
    this.grid.addEventListener('keydown', event => this.move(event));
    this.grid.addEventListener('pointerleave', () => this.look(null));
  }

  /** @param {string} name @param {string} kind @returns {Element} the lane's path */
  lane(name, kind) {
    const track = make('div', `track lane ${kind}`);
    const box = svg('svg', { viewBox: '0 0 1000 40', preserveAspectRatio: 'none', class: kind, 'aria-hidden': 'true' });
    const path = box.appendChild(svg('path'));
    track.append(box);
    this.grid.append(make('div', `name lane ${kind}`, name), track, make('div', 'value lane'));
    return path;
  }

  /** @param {{id: string, does: string}} stage @returns {Row} */
  row({ id, does }) {
    const name = make('button', 'name');
    name.type = 'button';
    name.dataset.id = id;
    name.tabIndex = id === STAGES[0].id ? 0 : -1;
    const spoken = make('span', 'unseen');
    name.append(make('i', `key ${id}`), make('span', '', id), spoken);
    const track = make('div', 'track');
    const value = make('div', 'value');
    const hint = make('span', 'hint', does);
    const median = make('i', 'usual');
    const bar = make('i', `tile ${id}`);
    track.append(hint, median, bar);
    for (const part of [name, track, value]) part.addEventListener('pointerenter', () => this.look(id));
    name.addEventListener('focus', () => this.look(id));
    name.addEventListener('blur', () => this.look(null));
    this.grid.append(name, track, value);
    return { name, track, bar, usual: median, value, spoken };
  }

  /** What lies over all rows: the gap, its limits, the decisions. */
  overlay() {
    const over = this.grid.appendChild(make('div', 'overlay'));
    over.setAttribute('aria-hidden', 'true');
    const line = (/** @type {string} */ name) => over.appendChild(make('i', name));
    const gap = line('gap');
    return {
      gap,
      wait: gap.appendChild(make('span', 'wait')),
      excess: line('excess'),
      zero: line('mark zero'),
      first: line('mark first'),
      budget: line('mark budget'),
      diamonds: Array.from({ length: DIAMONDS }, () => line('diamond')),
    };
  }

  /** Arrows walk through the stages. @param {KeyboardEvent} event */
  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const from = STAGES.findIndex(({ id }) => id === /** @type {HTMLElement} */ (event.target).dataset.id);
    if (!step || from < 0) return;
    const to = STAGES[(from + step + STAGES.length) % STAGES.length].id;
    for (const [id, { name }] of this.rows) name.tabIndex = id === to ? 0 : -1;
    this.rows.get(to)?.name.focus();
    event.preventDefault();
  }

  /** Tells about one stage, or about the whole turn. @param {string|null} id */
  look(id) {
    this.chosen = id;
    for (const [stage, { name, track, value }] of this.rows) {
      for (const part of [name, track, value]) part.classList.toggle('told', stage === id);
    }
    this.describe();
  }

  /**
   * Shows a turn.
   * @param {Turn|null} turn
   * @param {object} at
   * @param {number} at.now        ms of the server's clock; Infinity for a turn that is over
   * @param {boolean} at.speaking  the user speaks: their last sound is not known, so zero is now
   * @param {Tile[][]} at.others   the session's other turns
   * @param {Loudness[]} at.voices
   */
  show(turn, { now, speaking, others, voices }) {
    this.turn = turn;
    this.others = others;
    this.root.classList.toggle('empty', !turn);
    if (!turn) return;
    this.list = turn.tiles(speaking ? -1e12 : now);
    this.zero = speaking || turn.zero === null ? now : turn.zero;
    this.since = speaking ? 0 : now - this.zero;
    const sum = total(this.list);
    this.end = axisEnd(Math.max(sum, SHORTEST));
    this.drawUsual();
    this.drawTiles(this.list);
    this.drawLanes(voices, now);
    this.drawAxis(speaking);
    this.drawOver(sum, turn.heard && !speaking);
    this.root.classList.toggle('late', sum > this.budget);
    this.describe();
  }

  /** Where an instant lies. @param {number} at ms since zero */
  x(at) {
    return `${((100 * (at + BEFORE)) / (this.end + BEFORE)).toFixed(2)}%`;
  }

  /** @param {number} length ms */
  wide(length) {
    return `${((100 * length) / (this.end + BEFORE)).toFixed(2)}%`;
  }

  /** @param {number} sum ms @param {boolean} heard */
  drawOver(sum, heard) {
    const { gap, wait, excess, zero, first, budget } = this.over;
    gap.style.left = zero.style.left = this.x(0);
    gap.style.width = this.wide(sum);
    write(wait, heard ? `${ms(sum)} ms` : '');
    excess.style.left = budget.style.left = this.x(this.budget);
    excess.style.width = this.wide(Math.max(0, sum - this.budget));
    first.style.left = this.x(sum);
    first.hidden = !heard;
  }

  /** @param {Tile[]} list */
  drawTiles(list) {
    for (const tile of list) {
      const row = this.rows.get(tile.id);
      if (!row) continue;
      row.bar.style.left = this.x(tile.from);
      row.bar.style.width = this.wide(tile.ms);
      row.bar.classList.toggle('open', tile.open);
      write(row.value, tile.known ? ms(tile.ms) : '');
      write(row.spoken, tile.known ? ` ${ms(tile.ms)} milliseconds` : ' not yet');
      for (const part of [row.name, row.value]) part.classList.toggle('nil', tile.ms < 0.5);
    }
  }

  /** A thin line in each row: where the stage lies in the session's median turn. */
  drawUsual() {
    const key = `${this.others.length} ${this.end}`;
    if (key === this.usualKey) return;
    this.usualKey = key;
    for (const row of this.rows.values()) row.usual.hidden = true;
    for (const { id, from, ms: length } of usual(this.others)) {
      const line = this.rows.get(id)?.usual;
      if (!line) continue;
      line.hidden = length < 1;
      line.style.left = this.x(from);
      line.style.width = this.wide(length);
    }
  }

  /** @param {Loudness[]} voices @param {number} now */
  drawLanes(voices, now) {
    const { end, zero } = this;
    const step = end > 2400 ? 60 : end > 1200 ? 30 : 20;
    const key = `${this.turn?.number} ${zero.toFixed(0)} ${end} ${voices.length} ${Math.round(Math.min(now, 1e12) / 40)}`;
    if (key === this.lanesKey) return;
    this.lanesKey = key;
    const scale = { zero, before: BEFORE, end, step };
    this.youLane.setAttribute('d', bars(voices, 'you', scale));
    this.herLane.setAttribute('d', bars(voices, 'her', scale));
  }

  /** @param {boolean} speaking */
  drawAxis(speaking) {
    const { end } = this;
    const origin = speaking ? 'now' : 'your last sound';
    const width = this.axis.clientWidth;
    const key = `${end} ${origin} ${width}`;
    if (key === this.axisKey) return;
    this.axisKey = key;
    this.axis.textContent = '';
    const step = axisStep(Math.max(1, width) / (end + BEFORE));
    for (let at = 0; at <= end - step / 2; at += step) {
      const tick = make('span', at ? '' : 'origin', at ? at.toLocaleString('en-US') : origin);
      tick.style.left = this.x(at);
      this.axis.append(tick);
    }
  }

  /** The lines below the drawing: one stage, or why turn taking did what it did. */
  describe() {
    const { turn, zero, since } = this;
    if (!turn) return;
    const decisions = turn.decisions
      .map(one => ({ ...one, at: one.at - zero }))
      .filter(one => one.at <= since && one.at >= -BEFORE);
    const latest = decisions.slice(-DIAMONDS);
    this.over.diamonds.forEach((diamond, index) => {
      diamond.hidden = index >= latest.length;
      if (index < latest.length) diamond.style.left = this.x(latest[index].at);
    });
    /** @type {[string, string][]} */
    const lines = [];
    const tile = this.list.find(one => one.id === this.chosen);
    const why = latest.map(one => /** @type {[string, string]} */ ([`${one.what} at ${ms(one.at)} ms`, one.reason]));
    if (tile) {
      lines.push([`${tile.id} ${ms(tile.ms)} ms`, this.about(tile)]);
      const last = why.at(-1);
      if (last && (tile.id === 'endpointing' || tile.id === 'hold')) lines.push(last);
    } else lines.push(...why);
    const text = JSON.stringify([!!tile, lines]);
    if (text === this.said) return;
    this.said = text;
    this.readout.textContent = '';
    for (const [head, body] of lines) {
      const line = this.readout.appendChild(make('p', tile ? '' : 'why'));
      line.append(make('b', '', head), ` ${body}`);
    }
    const scrolls = this.readout.scrollHeight > this.readout.clientHeight + 1;
    this.readout.tabIndex = scrolls ? 0 : -1;
  }

  /** @param {Tile} tile */
  about(tile) {
    const { does } = STAGES[this.list.indexOf(tile)];
    const sum = total(this.list);
    const share = sum ? Math.round((100 * tile.ms) / sum) : 0;
    const median = quantile(this.others.map(list => list[this.list.indexOf(tile)].ms), 0.5);
    return `${share} % of the wait, ${does}.${Number.isFinite(median) ? ` Median ${ms(median)} ms.` : ''}`;
  }
}
