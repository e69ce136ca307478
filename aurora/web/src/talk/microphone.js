// @ts-check
// The microphone: asked for, opened, watched while it is open, and asked for again when it was pulled out.

/** Seconds without any sound, not even the room's, after which the page says so. */
const SILENT = 5;

/** dB below which a microphone gives nothing at all, and above which it gives something again. */
const NOTHING = -88, SOMETHING = -75;

/** What the browser's errors mean: the page's words for them. */
const REASONS = /** @type {Record<string, 'denied'|'nomic'|'busy'>} */ ({
  NotAllowedError: 'denied', SecurityError: 'denied', NotFoundError: 'nomic', OverconstrainedError: 'nomic', NotReadableError: 'busy', AbortError: 'busy',
});

/** @typedef {{deviceId?: string | null, headphones?: boolean, raw?: boolean}} Wish `raw`: nothing is done to the sound, for tests */
/** @typedef {'unplugged'|'plugged'|'silent'|'heard'} News */

/** Asks for the microphone as `wish` says. @param {Wish} wish @returns {MediaTrackConstraints} */
export function constraints({ deviceId, headphones = false, raw = false }) {
  // "all" takes the whole computer's sound out of the microphone's, where a browser can do that; elsewhere it means true.
  const echo = /** @type {any} */ (raw || headphones ? false : { ideal: 'all' });
  return {
    channelCount: 1, echoCancellation: echo, noiseSuppression: !raw, autoGainControl: !raw,
    ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
  };
}

export class Microphone {
  /**
   * @param {BaseAudioContext & {createMediaStreamSource(stream: MediaStream): AudioNode}} context with the capture worklet loaded
   * @param {(frame: import('./framer.js').Frame) => void} frame @param {(news: News) => void} told
   * @param {{mediaDevices: MediaDevices, AudioWorkletNode: typeof AudioWorkletNode}} browser
   */
  constructor(context, frame, told, browser) {
    this.context = context;
    this.frame = frame;
    this.told = told;
    this.browser = browser;
    this.muted = false;
    this.db = -100;
    this.quiet = 0; // frames in a row without anything
    this.lost = false;
    /** @type {Wish} */
    this.wish = {};
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    /** @type {AudioNode[]} */
    this.nodes = [];
    this.changed = () => { if (this.lost) void this.#again(); };
  }

  /**
   * Asks for a microphone. Call it in a click, before anything else is awaited.
   * @param {Wish} wish @param {MediaDevices | undefined} devices @returns {Promise<MediaStreamTrack>}
   * @throws {{code: 'denied'|'nomic'|'busy'}}
   */
  static async ask(wish, devices) {
    if (!devices) throw { code: 'nomic' };
    try {
      const stream = await devices.getUserMedia({ audio: constraints(wish) });
      return stream.getAudioTracks()[0];
    } catch (error) {
      const name = error instanceof Error ? error.name : '';
      if (wish.deviceId && (name === 'OverconstrainedError' || name === 'NotFoundError')) return Microphone.ask({ ...wish, deviceId: null }, devices); // the chosen one is away
      throw { code: REASONS[name] ?? 'denied' };
    }
  }

  /** Listens to `track`. @param {MediaStreamTrack} track @param {Wish} wish */
  open(track, wish) {
    this.close();
    this.wish = wish;
    this.track = track;
    this.lost = false;
    track.enabled = !this.muted;
    track.onended = () => {
      this.#drop();
      this.lost = true;
      this.told('unplugged');
    };
    const source = this.context.createMediaStreamSource(new MediaStream([track]));
    const capture = new this.browser.AudioWorkletNode(this.context, 'sophia-capture', { numberOfOutputs: 0 });
    capture.port.onmessage = ({ data }) => this.#take(data);
    source.connect(capture);
    this.nodes = [source, capture];
    this.browser.mediaDevices.addEventListener('devicechange', this.changed);
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    this.quiet = 0;
    if (this.track) this.track.enabled = !muted;
  }

  /** What the browser does about echo, and the device's name. @returns {{echo: 'all'|'remote-only'|'yes'|'no'|null, device: string | null}} */
  get settings() {
    const echo = /** @type {any} */ (this.track?.getSettings().echoCancellation);
    return { echo: echo === true ? 'yes' : echo === false ? 'no' : (echo ?? null), device: this.track?.label || null };
  }

  close() {
    this.#drop();
    this.lost = false;
    this.browser.mediaDevices.removeEventListener('devicechange', this.changed);
  }

  #drop() {
    if (this.track) {
      this.track.onended = null;
      this.track.stop();
    }
    for (const node of this.nodes) node.disconnect();
    this.track = null;
    this.nodes = [];
    this.db = -100;
  }

  async #again() {
    this.lost = false; // one try at a time
    try {
      const track = await Microphone.ask(this.wish, this.browser.mediaDevices);
      this.open(track, this.wish);
      this.told('plugged');
    } catch {
      this.lost = true; // none yet; the next change of devices tries again
    }
  }

  /** @param {import('./framer.js').Frame} frame */
  #take(frame) {
    this.db = frame.db;
    if (this.muted) return;
    if (frame.db > SOMETHING) {
      if (this.quiet >= SILENT * 50) this.told('heard');
      this.quiet = 0;
    } else if ((frame.db < NOTHING || this.quiet >= SILENT * 50) && ++this.quiet === SILENT * 50) this.told('silent');
    this.frame(frame);
  }
}
