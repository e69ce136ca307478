// @ts-check
// The page's one audio context: her voice comes out of it, and everything is timed by it.
import { SmoothClock, USUAL_STEP, outputLatency } from './clock.js';

/** Seconds within which a context starts that is allowed to. */
const STARTS = 1;

export class Speaker {
  /**
   * Makes the context. Call it in a click: iOS lets no other be heard.
   * @param {(anchors: import('./playout.js').Anchor[]) => void} anchors @param {(state: 'blocked'|'allowed') => void} told
   * @param {{AudioContext: typeof AudioContext, AudioWorkletNode: typeof AudioWorkletNode, now: () => number, audioSession?: {type: string}}} browser
   */
  constructor(anchors, told, browser) {
    this.anchors = anchors;
    this.told = told;
    this.browser = browser;
    // Without it, iOS sends her voice to the earpiece as soon as the microphone is open.
    if (browser.audioSession) browser.audioSession.type = 'play-and-record';
    this.context = new browser.AudioContext({ latencyHint: 'interactive' });
    this.clock = new SmoothClock();
    this.blocked = false;
    /** @type {AudioWorkletNode | null} */
    this.node = null;
    void this.context.resume().catch(() => {});
    this.context.onstatechange = () => this.#state();
  }

  /** Loads the worklets and starts. @param {{capture: string, playback: string}} worklets addresses */
  async open({ capture, playback }) {
    await Promise.all([this.context.audioWorklet.addModule(capture), this.context.audioWorklet.addModule(playback)]);
    if (this.context.state === 'closed') return;
    this.node = new this.browser.AudioWorkletNode(this.context, 'sophia-playback', { numberOfInputs: 0, outputChannelCount: [1] });
    this.node.port.onmessage = ({ data }) => this.anchors(data);
    this.node.connect(this.context.destination);
    setTimeout(() => this.#state(), 1000 * STARTS);
  }

  /** @param {string} item @param {number} start s @param {Int16Array} pcm @param {number} rate */
  sound(item, start, pcm, rate) { this.node?.port.postMessage({ op: 'sound', item, start, pcm, rate }, [pcm.buffer]); }

  /** @param {string} item */
  finish(item) { this.node?.port.postMessage({ op: 'finish', item }); }

  /** @param {string | null} item */
  cut(item) { this.node?.port.postMessage({ op: 'cut', item }); }

  /** The context's time without its steps, s. */
  get time() { return this.clock.at(this.context.currentTime, this.browser.now(), this.context.baseLatency || USUAL_STEP); }

  /** The context time of what reaches the ear now, s. */
  get heard() { return this.time - outputLatency(this.context, this.browser.now()); }

  /** Lets sound out, in a click, where the browser held it back. */
  unblock() { void this.context.resume().catch(() => {}); }

  close() {
    this.context.onstatechange = null;
    if (this.context.state !== 'closed') void this.context.close();
  }

  #state() {
    if (this.context.state === 'closed') return;
    const blocked = this.context.state !== 'running'; // suspended, or interrupted by a telephone call
    if (blocked !== this.blocked) this.told(blocked ? 'blocked' : 'allowed');
    this.blocked = blocked;
  }
}
