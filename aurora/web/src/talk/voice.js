// @ts-check
// Her voice and face in the page: sound goes to the speaker, frames wait for it, and what is heard decides what is seen.
// Pure but for the speaker that it is given; every time stamp comes from outside.
import { Heard } from './clock.js';
import { AUDIBLE, fromBase64, meter, samplesOf } from './pcm.js';
import { LipSync, Loudness } from './sync.js';
import { FaceTimeline, order } from './timeline.js';

/** Hz of her sound. */
export const RATE = 24000;

/** Seconds between two reports of what is heard. */
const EVERY = 0.1;

/** Most frames of one event, and a second. */
const FRAMES = 36_000, MOST_PER_SECOND = 120;

/** Items whose loudness and lips are remembered. */
const ITEMS = 4;

/**
 * @typedef {import('./playout.js').Anchor} Anchor
 * @typedef {{sound(item: string, start: number, pcm: Int16Array, rate: number): void, finish(item: string): void, cut(item: string | null): void}} Outlet
 * @typedef {{type: string, [field: string]: any}} Told
 * @typedef {{lips: LipSync, loud: Loudness, end: number}} Spoken `end`: up to which second its sound came
 * @typedef {{item: string, frame: number | null, heard: number}} Drawn the time code on show, and what was heard, s
 */

/** @param {unknown} value @returns {value is number} */
const number = value => typeof value === 'number' && Number.isFinite(value);

/** @param {unknown} value @returns {value is string} */
const named = value => typeof value === 'string' && value.length > 0 && value.length <= 200;

export class Voice {
  /**
   * @param {Outlet | null} outlet where her sound goes; null where it sounds elsewhere and is only watched
   * @param {(event: object) => void} send to the server
   */
  constructor(outlet, send) {
    this.outlet = outlet;
    this.send = send;
    this.obeys = true; // whether the server says itself when to fall silent
    this.timeline = new FaceTimeline();
    this.heard = new Heard();
    this.order = order([]);
    /** @type {unknown} */
    this.names = null;
    /** @type {Map<string, Spoken>} */
    this.items = new Map();
    /** @type {Set<string>} items that were cut off, whose anchor has not come */
    this.cutting = new Set();
    this.underruns = 0;
    this.agent = this.user = -100; // levels that the server tells, dB
    /** @type {Drawn | null} */
    this.drawn = null;
    this.reported = -Infinity;
    /** @type {Anchor | null} */
    this.last = null;
  }

  /** Forgets all: the connection is a new one. */
  reset() {
    this.outlet?.cut(null);
    this.timeline.reset();
    this.heard.clear();
    this.items.clear();
    this.cutting.clear();
    this.drawn = this.last = null;
  }

  /**
   * @param {any} event a wire event @param {number} t what is heard now, on the clock of the anchors: the context's, or
   *   the server's where it is watched @returns {Told[]}
   */
  take(event, t) {
    const item = event.item_id;
    switch (event.type) {
      case 'response.output_audio.delta': this.#sound(event); break;
      case 'response.output_audio.done': this.outlet?.finish(item); break;
      case 'sophia.face.names':
        if (Array.isArray(event.names) && event.names.length <= 1024 && event.names.every(named)) [this.names, this.order] = [event.names_id, order(event.names)];
        break;
      case 'sophia.face.frames': this.#frames(event, t); break;
      case 'sophia.playout.pause': if (named(item)) this.outlet?.cut(item); break;
      case 'sophia.playout.clear': return this.#clear(item, event.audio_ms, t);
      case 'conversation.item.truncated': return this.#clear(item, event.sophia?.heard_ms ?? event.audio_end_ms, t);
      case 'input_audio_buffer.speech_started': return this.obeys || !this.last ? [] : this.#clear(this.last.item, undefined, t);
      case 'sophia.playout.position': this.#watched(event, t); break;
      case 'sophia.levels':
        if (number(event.user_db)) this.user = event.user_db;
        if (number(event.agent_db)) this.agent = event.agent_db;
        break;
    }
    return [];
  }

  /** What the speaker tells of its playout. `t` as in `take`. @param {Anchor[]} anchors @param {number} t @returns {Told[]} */
  anchors(anchors, t) {
    /** @type {Told[]} */
    const told = [];
    for (const anchor of anchors) {
      const { item, kind, position } = anchor;
      this.heard.add(anchor);
      this.last = anchor;
      if (anchor.underruns > this.underruns) told.push({ type: 'underrun', count: anchor.underruns, t: anchor.t });
      this.underruns = anchor.underruns;
      if (kind === 'cut' || kind === 'end') {
        told.push({ type: 'silenced', item, at: position, t: anchor.t });
        if (this.cutting.delete(item)) told.push({ type: 'cut', item, at: position });
        this.#report(item, position, false, anchor);
      } else if (anchor.t - this.reported >= EVERY) {
        const now = this.heard.at(t);
        if (now) this.#report(now.item, now.seconds, true, anchor);
        this.reported = anchor.t;
      }
    }
    return told;
  }

  /** What is heard at `t`, or was last; null before her first sound. @param {number} t */
  position(t) { return this.heard.at(t); }

  /**
   * The pose to show while the sound of `t` is heard; null where there is none. Looks count for the lips' figures.
   * @param {number} t @param {number} offset s by which the lips are wanted early @param {number} lead half a picture, s
   */
  look(t, offset, lead) {
    const heard = this.heard.at(t);
    this.drawn = null;
    if (!heard?.playing) return null;
    const { item, seconds } = heard, shown = this.timeline.at(item, seconds + offset + lead), spoken = this.items.get(item);
    spoken?.lips.look(seconds + offset, shown, this.outlet ? spoken.loud.audible(seconds) : true);
    this.drawn = { item, frame: shown?.code ?? null, heard: seconds };
    return shown?.weights ?? null;
  }

  /** How loud she is at `t`, 0..1. @param {number} t */
  level(t) {
    if (!this.outlet) return meter(this.agent);
    const heard = this.heard.at(t), peak = heard?.playing ? (this.items.get(heard.item)?.loud.at(heard.seconds) ?? 0) : 0;
    return peak < AUDIBLE ? 0 : meter(20 * Math.log10(peak / 32768) - 6); // a peak is some 6 dB above what a meter shows
  }

  /** The figures of the item that was heard last. */
  figures() { return (this.last && this.items.get(this.last.item)?.lips.summary()) ?? null; }

  /** @param {string} item @returns {Spoken} */
  #item(item) {
    let spoken = this.items.get(item);
    if (!spoken) {
      this.items.set(item, (spoken = { lips: new LipSync(), loud: new Loudness(), end: 0 }));
      if (this.items.size > ITEMS) this.items.delete(/** @type {string} */ (this.items.keys().next().value));
    }
    return spoken;
  }

  /** @param {any} event */
  #sound(event) {
    const item = event.item_id, pcm = samplesOf(event.delta);
    if (!named(item) || !pcm?.length || this.timeline.cleared.has(item) || !this.outlet) return;
    const spoken = this.#item(item), told = event.sophia?.audio_start_ms;
    const start = number(told) && told >= 0 ? told / 1000 : spoken.end;
    spoken.end = start + pcm.length / RATE;
    spoken.loud.add(start, pcm, RATE);
    this.outlet.sound(item, start, pcm, RATE);
  }

  /** @param {any} event @param {number} t */
  #frames(event, t) {
    const { item_id: item, names_id: names, audio_start_ms: start, fps, count } = event;
    if (!named(item) || names !== this.names || !number(start) || start < 0 || start > 3.6e6) return;
    if (!number(fps) || fps < 1 || fps > MOST_PER_SECOND || !Number.isInteger(count) || count < 1 || count > FRAMES) return;
    const rows = this.order(fromBase64(event.weights) ?? new Uint8Array(), count);
    if (!rows || !this.timeline.add(item, start / 1000, fps, rows)) return;
    const spoken = this.#item(item), now = this.heard.at(t);
    if (now?.item === item && now.playing) spoken.lips.late += Math.max(0, Math.min(count, Math.ceil((now.seconds - start / 1000) * fps)));
  }

  /** @param {unknown} item @param {unknown} ms what was heard of it @param {number} t @returns {Told[]} */
  #clear(item, ms, t) {
    if (!named(item) || this.timeline.cleared.has(item)) return [];
    this.timeline.clear(item);
    const told = { type: 'clear', item, t };
    const heard = this.heard.at(Infinity); // the newest place, also where its sound has not reached the ear yet
    this.outlet?.cut(item);
    if (this.outlet && heard?.item === item && this.last?.kind === 'play') {
      this.cutting.add(item); // the playout knows where: its anchor comes next
      return [told];
    }
    if (!this.outlet) this.heard.add({ kind: 'cut', t, item, position: number(ms) ? ms / 1000 : (heard?.seconds ?? 0) });
    const at = heard?.item === item && this.outlet ? heard.seconds : number(ms) ? ms / 1000 : 0;
    return [told, { type: 'cut', item, at }];
  }

  /** @param {any} event @param {number} t */
  #watched({ item_id: item, audio_ms: ms, playing, at_ms: at }, t) {
    if (this.outlet || !named(item) || !number(ms) || !number(at) || this.timeline.cleared.has(item)) return;
    if (at / 1000 < (this.heard.places.at(-1)?.t ?? -Infinity)) return;
    this.#item(item);
    this.heard.add({ kind: playing ? 'play' : 'gap', t: at / 1000, item, position: ms / 1000 });
    this.#report(item, this.heard.at(t)?.seconds ?? ms / 1000, !!playing, { buffered: 0, underruns: 0 });
  }

  /** @param {string} item @param {number} position @param {boolean} playing @param {{buffered: number, underruns: number}} sound */
  #report(item, position, playing, { buffered, underruns }) {
    const face = this.items.get(item)?.lips.summary() ?? null;
    this.send({
      type: 'sophia.playout.position', item_id: item, audio_ms: 1000 * position, playing,
      buffered_ms: 1000 * buffered, underruns, face,
    });
  }
}
