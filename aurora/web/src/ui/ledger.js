// @ts-check
// A turn's time, from its instants to tiles that add up to voice-to-voice. Pure.
// Milliseconds since the user's last voiced sample. An instant that is missing, or came before its predecessor, adds
// nothing: the rule of pipelines/telemetry/ledger.py, which names the instants and the contributions.

/** @type {ReadonlyArray<{id: string, until: string, does: string}>} */
export const STAGES = [
  { id: 'capture', until: 'captured', does: 'until your last sound had arrived' },
  { id: 'asr', until: 'transcript', does: 'until your words were known' },
  { id: 'endpointing', until: 'started', does: 'until the reply was started' },
  { id: 'llm', until: 'first_token', does: 'until the model answered' },
  { id: 'tools', until: 'first_word', does: 'until her tools had answered, and she had a word to say' },
  { id: 'clause', until: 'first_clause', does: 'until a first clause could be spoken' },
  { id: 'tts', until: 'first_audio', does: 'until its first sound was made' },
  { id: 'hold', until: 'released', does: 'sound is ready, the turn not yet decided' },
  { id: 'playout', until: 'played', does: 'until you heard it' },
];

/**
 * @typedef {{id: string, from: number, to: number, ms: number, open: boolean, known: boolean}} Tile
 *   `open`: it is still going on; `known`: its length can be told
 */

/**
 * The tiles of a turn. While the reply is not heard yet, `now` ends the one that is still going on.
 * @param {Record<string, number>} marks  instant → ms since the user's last sound
 * @param {number} [now]  ms since the user's last sound; Infinity for a turn that is over
 * @returns {Tile[]}
 */
export function tiles(marks, now = Infinity) {
  const heard = marks.played !== undefined && marks.played <= now;
  const end = heard ? Math.max(0, marks.played) : Infinity;
  const last = STAGES.findLastIndex(({ until }) => marks[until] <= now);
  let from = 0;
  let open = false;
  return STAGES.map(({ id, until }, index) => {
    const at = marks[until];
    const reached = at !== undefined && at <= now;
    if (reached || index < last || heard) {
      const to = Math.min(end, Math.max(from, reached ? at : from));
      const tile = { id, from, to, ms: to - from, open: false, known: true };
      from = to;
      return tile;
    }
    const going = !open && Number.isFinite(now) && now >= from;
    open ||= going;
    const to = going ? now : from;
    const tile = { id, from, to, ms: to - from, open: going, known: going };
    from = to;
    return tile;
  });
}

/**
 * The tiles of a turn that is over, from the ledger's own contributions.
 * @param {Record<string, number>} contributions  name → ms
 * @returns {Tile[]}
 */
export function tilesOf(contributions) {
  let from = 0;
  return STAGES.map(({ id }) => {
    const ms = Math.max(0, contributions[id] ?? 0);
    const tile = { id, from, to: from + ms, ms, open: false, known: true };
    from += ms;
    return tile;
  });
}

/** The sum of the tiles: voice-to-voice, or the time that has passed. @param {Tile[]} list */
export const total = list => list.reduce((sum, tile) => sum + tile.ms, 0);

/**
 * The q-quantile by linear interpolation; NaN for none.
 * @param {number[]} values
 * @param {number} q
 */
export function quantile(values, q) {
  if (!values.length) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
}

/**
 * The session's usual turn: each stage's median length, one after the other; empty below three turns.
 * @param {Tile[][]} turns
 * @returns {{id: string, from: number, ms: number}[]}
 */
export function usual(turns) {
  if (turns.length < 3) return [];
  let from = 0;
  return STAGES.map(({ id }, index) => {
    const ms = quantile(turns.map(list => list[index].ms), 0.5);
    const one = { id, from, ms };
    from += ms;
    return one;
  });
}

const ENDS = [1200, 1600, 2400, 4000, 8000];

/** Where the time axis ends for a turn of `ms`: few fixed scales, so that two turns can be compared by eye. @param {number} ms */
export const axisEnd = ms => ENDS.find(end => ms <= end * 0.86) ?? Math.ceil((ms / 0.86) / 4000) * 4000;

const STEPS = [100, 200, 400, 800, 1000, 2000, 4000];

/** The distance of two ticks, so that they are at least 40 px apart. @param {number} pxPerMs */
export const axisStep = pxPerMs => STEPS.find(step => step * pxPerMs >= 40) ?? 8000;

/** Milliseconds as people read them: 1,140, and a dash for what is not known. @param {number|null|undefined} value */
export const ms = value =>
  (value !== null && value !== undefined && Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '–');
