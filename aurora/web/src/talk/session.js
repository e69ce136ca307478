// @ts-check
// One conversation in the page: microphone and speaker, the socket, what is heard and what is seen. The page hears of it
// by events named `page`, whose `detail` has a type and what belongs to it, and asks for poses whenever it draws.
//
// Nothing here waits for a picture: a tab in the background goes on talking, and draws again from where the sound is.
import { ServerClock } from './clock.js';
import { Gestures } from './gestures.js';
import { Microphone } from './microphone.js';
import { meter } from './pcm.js';
import { Projection } from './projection.js';
import { EXTENSIONS, RealtimeSocket } from './realtime.js';
import { Speaker } from './speaker.js';
import { RATE, Voice } from './voice.js';

/** Hz of what the microphone sends. */
const MICROPHONE_RATE = 16000;

/** Milliseconds of her sound that the server sends ahead of its time. */
const LEAD_MS = 100;

/** Longest time, s, by half of which a pose is made early: it stands until the next one. A slower machine gets no more. */
const PICTURE = 1 / 30;

/** @typedef {{deviceId?: string | null, headphones?: boolean, lipOffsetMs?: number, consent?: string | null}} Settings `lipOffsetMs` above zero: lips earlier; `consent`: what may be kept */
/** @typedef {Settings & {microphone?: boolean, key?: string | null, raw?: boolean, browser?: any}} Options `raw`: the microphone's sound as it is, for tests; `browser`: what stands for the globals, for tests */

/** What the session needs of a browser. */
const globals = () => ({
  AudioContext: globalThis.AudioContext, AudioWorkletNode: globalThis.AudioWorkletNode, WebSocket: globalThis.WebSocket,
  mediaDevices: globalThis.navigator?.mediaDevices, audioSession: /** @type {any} */ (globalThis.navigator)?.audioSession,
  secure: globalThis.isSecureContext, base: globalThis.document?.baseURI, now: () => performance.now() / 1000,
});

export class TalkSession extends EventTarget {
  /** @param {any} page what /page.json told @param {Options} [options] */
  constructor(page, { microphone = true, key = null, raw = false, browser = globals(), ...settings } = {}) {
    super();
    this.page = page;
    this.browser = browser;
    this.raw = raw;
    this.key = key;
    this.speaks = microphone;
    /** @type {Settings} */
    this.settings = { deviceId: null, headphones: false, lipOffsetMs: 0, ...settings };
    this.muted = false;
    this.watching = false;
    this.ours = false; // whether the server knows our extensions
    this.run = 0; // counts beginnings, so that what was begun before an end goes no further
    this.server = new ServerClock();
    this.projection = new Projection();
    this.gestures = new Gestures();
    this.picture = PICTURE;
    this.looked = NaN;
    this.lastDrawn = /** @type {{t: number, now: number, item: string, frame: number | null, heard: number} | null} */ (null);
    /** @type {Speaker | null} */
    this.speaker = null;
    /** @type {Microphone | null} */
    this.microphone = null;
    /** @type {RealtimeSocket | null} */
    this.socket = null;
    /** @type {Voice | null} */
    this.voice = null;
  }

  /** Begins a conversation. Call it in a click, before anything is awaited. */
  async talk() {
    this.#stop();
    const run = ++this.run, { browser } = this;
    if (!browser.secure || (this.speaks && !browser.mediaDevices)) return this.#tell('insecure');
    this.watching = false;
    const speaker = (this.speaker = new Speaker(anchors => this.#anchors(anchors), state => this.#tell(state), browser));
    const wish = this.#wish();
    const asked = this.speaks ? Microphone.ask(wish, browser.mediaDevices) : null;
    asked?.catch(() => {}); // it is awaited below, after the worklets
    try {
      const loaded = speaker.open({ capture: this.#address('static/capture.js'), playback: this.#address('static/playback.js') });
      loaded.catch(() => {});
      const track = await asked;
      if (run !== this.run) return track?.stop();
      if (track) this.#tell('granted');
      await loaded;
      if (run !== this.run) return track?.stop();
      if (track) {
        const heard = (/** @type {import('./framer.js').Frame} */ { pcm }) => this.socket?.append(pcm);
        this.microphone = new Microphone(speaker.context, heard, news => this.#tell(news), browser);
        this.microphone.mute(this.muted);
        this.microphone.open(track, wish);
      }
    } catch (error) {
      if (run !== this.run) return;
      this.#stop();
      const code = /** @type {any} */ (error)?.code;
      return this.#tell(typeof code === 'string' ? code : 'gone'); // the server no longer has its worklets
    }
    this.#connect(new Voice(speaker, event => this.socket?.send(event)), '');
  }

  /** Watches the conversation that is held at the server, without microphone and sound. */
  watch() {
    this.#stop();
    this.run++;
    this.watching = true;
    this.#connect(new Voice(null, event => this.socket?.send(event)), '?watch=1');
  }

  /** Ends it. */
  end() {
    this.#stop();
    this.run++;
    this.#tell('end');
  }

  /** Connects at once, where the next try was to come later. */
  retry() { if (this.socket && !this.socket.open) this.socket.connect(); }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    this.microphone?.mute(muted);
    if (this.ours) this.socket?.send({ type: 'sophia.microphone', muted });
  }

  /** Types instead of speaking. `/say …` has her say it word for word, `/ask …` tell of it. @param {string} text */
  say(text) {
    if (!this.socket?.open) return;
    const order = /^\/(say|ask)\s+(\S.*)$/s.exec(text);
    if (order) return this.socket.send(order[1] === 'say' ? { type: 'sophia.say', text: order[2] } : { type: 'sophia.ask', about: order[2] });
    if (this.#talking()) this.cancel(); // the wire answers one thing at a time
    this.projection.type(text);
    this.socket.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] } });
    this.socket.send({ type: 'response.create' });
  }

  /** Stops her. */
  cancel() { this.socket?.send({ type: 'response.cancel' }); }

  /** The user lets the server keep so much, and no more. @param {string} consent */
  agree(consent) {
    this.settings.consent = consent;
    if (this.ours) this.socket?.send({ type: 'sophia.consent', consent });
  }

  /** Lets her be heard after `blocked`. Call it in a click. */
  unblock() { this.speaker?.unblock(); }

  /** Changes settings while it runs. @param {Settings} settings */
  async configure(settings) {
    const before = this.#wish();
    Object.assign(this.settings, settings);
    const wish = this.#wish(), run = this.run, microphone = this.microphone;
    if (!microphone || (wish.deviceId === before.deviceId && wish.headphones === before.headphones)) return;
    try {
      const track = await Microphone.ask(wish, this.browser.mediaDevices);
      if (run !== this.run || microphone !== this.microphone) return track.stop();
      microphone.open(track, wish);
      if (this.ours) this.socket?.send({ type: 'session.update', session: { type: 'realtime', sophia: { headphones: !!wish.headphones } } });
    } catch {
      this.settings.deviceId = before.deviceId;
      if (run === this.run) this.#tell('notice', { message: 'That microphone could not be opened. The one before goes on.' });
    }
  }

  /** Which second of which item is heard now. @returns {{item: string, seconds: number, playing: boolean} | null} */
  position() { return this.voice?.position(this.#heard()) ?? null; }

  /**
   * The mouth that belongs to what is heard; null while nothing is. Call it for each picture.
   * @param {number} now performance.now() / 1000 of the picture @returns {Float32Array | null}
   */
  weights(now) {
    this.lastDrawn = null;
    if (!this.voice || this.speaker?.blocked) return null; // a mouth that stands open while nothing is heard helps nobody
    const since = now - this.looked;
    if (since > 0 && since < 1) this.picture += 0.1 * (Math.min(PICTURE, since) - this.picture);
    this.looked = now;
    const heard = this.#heard(), shown = this.voice.look(heard, (this.settings.lipOffsetMs ?? 0) / 1000, this.picture / 2);
    const drawn = this.voice.drawn;
    if (drawn) this.lastDrawn = { t: heard, now: this.speaker?.context.currentTime ?? heard, ...drawn };
    return shown;
  }

  /** What her face does beside speech; a nod is given once. Call it for each picture. */
  gesture() { return this.gestures.shown(this.position(), this.browser.now()); }

  /** What the last `weights` was about: `t` is the context time that was heard, `frame` the time code shown. */
  drawn() { return this.lastDrawn; }

  /** How loud both are, 0..1. */
  levels() {
    const you = this.watching ? meter(this.voice?.user ?? -100) : this.muted ? 0 : meter(this.microphone?.db ?? -100);
    return { you, her: this.voice?.level(this.#heard()) ?? 0 };
  }

  /** The server's milliseconds now, on the clock of its `at_ms`. */
  now() { return 1000 * this.server.at(this.browser.now()); }

  /** Seconds of the clock of `t` in `drawn` and in the events: the context's, or the server's while watching. */
  time() { return this.speaker ? this.speaker.time : this.server.at(this.browser.now()); }

  /** What a settings panel shows. */
  figures() {
    const face = this.voice?.figures();
    const { echo, device } = this.microphone?.settings ?? { echo: null, device: null };
    return {
      underruns: this.voice?.underruns ?? 0, dropped: this.socket?.dropped ?? 0,
      skewMs: face?.skew_p95_ms ?? null, missing: face?.frames ? face.missing : null, late: face?.late ?? 0, echo, device,
    };
  }

  #wish() { return { deviceId: this.settings.deviceId, headphones: this.settings.headphones, raw: this.raw }; }

  /** @param {string} path */
  #address(path) { return new URL(path, this.browser.base).href; }

  #talking() { return ['speaking', 'ducked', 'paused'].includes(this.projection.floor); }

  #heard() { return this.speaker ? this.speaker.heard : this.server.at(this.browser.now()); }

  #stop() {
    this.socket?.close();
    this.microphone?.close();
    this.speaker?.close();
    this.socket = this.microphone = this.speaker = this.voice = null;
    this.ours = false;
    this.lastDrawn = null;
  }

  /** @param {Voice} voice @param {string} query */
  #connect(voice, query) {
    this.voice = voice;
    const pcm = (/** @type {number} */ rate) => ({ format: { type: 'audio/pcm', rate } });
    this.socket = new RealtimeSocket({
      url: this.#address(`v1/realtime${query}`).replace(/^http/, 'ws'), key: this.key, Socket: this.browser.WebSocket, now: this.browser.now,
      session: {
        type: 'realtime', extensions: EXTENSIONS,
        audio: { input: { ...pcm(MICROPHONE_RATE), turn_detection: { type: 'semantic_vad' } }, output: pcm(RATE) },
        sophia: { lead_ms: LEAD_MS, headphones: !!this.settings.headphones },
      },
      event: event => this.#event(event), told: (state, detail) => this.#connection(state, detail),
    });
    this.socket.connect();
  }

  /** @param {string} state @param {object} [detail] */
  #connection(state, detail) {
    if (state === 'open') {
      this.projection = new Projection();
      this.gestures = new Gestures();
      if (this.muted && this.ours) this.socket?.send({ type: 'sophia.microphone', muted: true });
      if (this.settings.consent && !this.watching) this.agree(this.settings.consent);
    } else {
      this.voice?.reset();
      this.server = new ServerClock();
      this.ours = false;
    }
    if (['gone', 'moved', 'over', 'key', 'refused'].includes(state)) this.#stop();
    this.#tell(state, detail);
  }

  /** @param {any} event a wire event */
  #event(event) {
    const sent = event.type === 'session.updated' ? event.session?.sophia?.now_ms : /^sophia\.(levels|playout\.position)$/.test(event.type) ? event.at_ms : null;
    if (Number.isFinite(sent)) this.server.hear(sent / 1000, this.browser.now());
    if (event.type === 'session.updated') {
      const inForce = event.session?.extensions;
      this.ours = Array.isArray(inForce);
      if (this.voice) this.voice.obeys = this.ours && inForce.includes('sophia.playout');
    }
    const code = event.type === 'error' ? String(event.error?.code) : '';
    if (code && (this.socket?.open || code.startsWith('resume_')) && code !== 'response_cancel_not_active') this.#tell('notice', { message: String(event.error?.message ?? '') });
    this.#pass(this.voice?.take(event, this.#heard()) ?? []);
    this.#pass(this.projection.take(event));
    this.#pass(this.gestures.take(event));
  }

  /** @param {import('./playout.js').Anchor[]} anchors */
  #anchors(anchors) { this.#pass(this.voice?.anchors(anchors, this.#heard()) ?? []); }

  /** @param {{type: string}[]} told */
  #pass(told) { for (const { type, ...detail } of told) this.#tell(type, detail); }

  /** @param {string} type @param {object} [detail] */
  #tell(type, detail = {}) { this.dispatchEvent(new CustomEvent('page', { detail: { type, ...detail } })); }
}
