// @ts-check
// What is heard now. The playout tells which second of which item it hands out at which context time; the sound card
// plays it a little later. Between anchors the sound goes on, so every moment is known.

/** Seconds after which sound of a server that is watched counts as stopped, if it says nothing of it. */
const STALE = 0.5;

/** Seconds of anchors that are kept: more than any loudspeaker is late. */
const KEPT = 5;

/** Seconds of the context's steps, where the browser does not tell. */
export const USUAL_STEP = 0.01;

/** Seconds of looks from which the context's clock is smoothed. */
const WINDOW = 0.25;

/**
 * Seconds from a sample's context time to the ear, as far as the browser knows. Bluetooth often adds what it does not
 * tell. `baseLatency` lies before, `outputLatency` behind the hand-over to the system, so both count.
 *
 * @param {{currentTime: number, baseLatency?: number, outputLatency?: number, getOutputTimestamp?: () => {contextTime?: number, performanceTime?: number}}} context
 * @param {number} now performance.now() / 1000
 */
export function outputLatency(context, now) {
  const base = context.baseLatency || 0;
  if (context.outputLatency && context.outputLatency > 0) return base + context.outputLatency;
  const { contextTime, performanceTime } = context.getOutputTimestamp?.() ?? {};
  if (contextTime && performanceTime) {
    const late = context.currentTime - contextTime - (now - performanceTime / 1000);
    if (late > 0 && late < 1) return late;
  }
  return base + 0.02;
}

/**
 * The context's time without its steps. It moves when a buffer is rendered, 3 to 40 ms at once; just after such a step
 * it is right, later it lags. So the greatest lead over the page's clock within the last looks is the true one. But a
 * sound card that was not fed in time stands still, and so does its time: no more than a step is ever added.
 */
export class SmoothClock {
  constructor() {
    /** @type {{at: number, lead: number}[]} falling leads, as in every sliding maximum */
    this.looks = [];
  }

  /** The context's time at `now`, when it reads `time` and steps by `step`; all in s. @param {number} time @param {number} now @param {number} step */
  at(time, now, step) {
    const lead = time - now, looks = this.looks;
    while (looks.length && looks[0].at < now - WINDOW) looks.shift();
    while (looks.length && looks[looks.length - 1].lead <= lead) looks.pop();
    looks.push({ at: now, lead });
    return Math.min(now + looks[0].lead, time + step);
  }
}

/**
 * A server's clock behind a network: messages are late, never early. The least delay of the last half minute is the
 * one that counts; what is left of the network is the same in all figures.
 */
export class ServerClock {
  constructor() {
    this.best = Infinity; // least arrival minus sending, s, in this period …
    this.before = Infinity; // … and in the one before
    this.since = -Infinity;
  }

  /** A message that was written at the server's `sent` arrives at `now`. @param {number} sent s @param {number} now s */
  hear(sent, now) {
    if (now - this.since > 15) [this.before, this.best, this.since] = [this.best, Infinity, now];
    this.best = Math.min(this.best, now - sent);
  }

  /** The server's time, s; NaN before the first message. @param {number} now s */
  at(now) {
    const delay = Math.min(this.best, this.before);
    return Number.isFinite(delay) ? now - delay : NaN;
  }
}

/** @typedef {{t: number, item: string, position: number, kind: string, buffered?: number}} Place */

/** Which second of which item is heard, looked up in anchors by time. */
export class Heard {
  constructor() {
    /** @type {Place[]} */
    this.places = [];
  }

  /** @param {Place} place not older than the last one */
  add(place) {
    this.places.push(place);
    while (this.places.length > 1 && this.places[1].t < place.t - KEPT) this.places.shift();
  }

  clear() { this.places = []; }

  /**
   * What is at `t`: the item, its second, whether it goes on; null before the first anchor. After an end or a cut it is
   * the second at which the sound ended.
   * @param {number} t @returns {{item: string, seconds: number, playing: boolean} | null}
   */
  at(t) {
    let n = this.places.length - 1;
    while (n >= 0 && this.places[n].t > t) n--;
    if (n < 0) return null;
    const { item, position, kind, t: since, buffered = STALE } = this.places[n];
    const on = kind === 'play' ? Math.min(t - since, buffered) : 0; // what follows is not known to be there
    return { item, seconds: position + on, playing: kind === 'play' && t - since <= buffered };
  }
}
