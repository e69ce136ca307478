// @ts-check
// The page: joins state, conversation, face and settings to one session. The session says what happens; the machine
// says what that means; nothing here decides anything of the conversation.
import { AT } from '../arkit.js';
import { Conversation } from './conversation.js';
import { $ } from './dom.js';
import { Face } from './face.js';
import { Form } from './form.js';
import { command, isField } from './keyboard.js';
import { START, next, talking } from './machine.js';
import { Panels } from './panels.js';
import { Presence } from './presence.js';
import { Scene } from './scene.js';
import { Settings } from './settings.js';

/**
 * @typedef {import('../types.d.ts').Session} Session
 * @typedef {import('../types.d.ts').PageInfo} PageInfo
 * @typedef {import('../types.d.ts').PageEvent} PageEvent
 * @typedef {import('../types.d.ts').Pose} Pose
 * @typedef {object} Parts
 * @property {import('../types.d.ts').NewSession} session
 * @property {() => Promise<any>} stage  fetches the code that draws
 * @property {() => Promise<PageInfo|null>} ask  what the server tells of itself now
 * @property {{at(seconds: number, talk: import('../life/index.js').Talk): Pose}} life
 * @property {string|null} [key]  the server's, if it asks for one
 * @property {{share: number, perform(life: Pose, speech: Float32Array|null, seconds: number): Pose}} performer
 */

const LOGGED = 5000;
/** Milliseconds until a page that watched asks for the next conversation. */
const LOOK_AGAIN = 5000;
const STILL = matchMedia('(prefers-reduced-motion: reduce)');
const NIGHT = matchMedia('(prefers-color-scheme: dark)');
const LOGGED_TOO = new Set(['clear', 'silenced', 'underrun']);

export class Page {
  /** @param {PageInfo} info @param {Parts} parts */
  constructor(info, parts) {
    this.info = info;
    this.parts = parts;
    /**
     * What was drawn when, the newest last; tests judge lips by it. `clock` is the sound's time: of a picture, when it
     * was decided what to draw. Its `t` is the sound's time of what was heard then, and `share` what of the mouth is speech's.
     * @type {any[]}
     */
    this.log = [];
    this.state = { ...START };
    /** @type {Session|null} */
    this.session = null;
    this.settings = new Settings(() => localStorage);
    /** What may be kept; the server's choice until the user makes one. It is not remembered: the next user is another. */
    this.consent = info.consent ?? 'numbers';
    this.measured = 0;
    this.ticking = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.looking = undefined;

    this.panels = new Panels();
    this.form = new Form(this.settings, (name, value) => this.change(name, value));
    this.talk = new Conversation(info.budget_ms, { aloud: () => this.settings.on('aloud') });
    const place = { host: info.host, secure: info.secure_url, watch: info.watch, consents: info.consents };
    this.scene = new Scene(place, event => this.act(event));
    this.ring = new Presence($('ring'));
    this.face = new Face($('face'), {
      code: parts.stage, model: info.model, tell: event => this.tell(event),
      onLoaded: (missing, notes) => this.form.head(info.model?.name ?? '–', missing, notes),
    });
    $('where').textContent = info.host;
    for (const id of ['captions', 'turns', 'log', 'text']) $(id).lang = info.language === 'auto' ? '' : info.language ?? 'en';
    this.bind();
    this.dress();
    this.tell({ type: 'start' });
    this.openFace();
    this.form.devices();
    this.frame = this.frame.bind(this);
    requestAnimationFrame(this.frame);
    setInterval(() => this.countDown(), 1000);
    if (info.watch) this.act('watch');
    else if (info.key_needed && !parts.key) this.tell({ type: 'key' });
    else if (!isSecureContext) this.tell({ type: 'insecure' });
  }

  bind() {
    $('mic').onclick = () => this.act(this.state.mic === 'muted' ? 'unmute' : 'mute');
    $('recording').onclick = () => this.agree('numbers');
    for (const choice of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('[name="keep"]'))) {
      choice.checked = choice.value === this.consent;
      choice.onchange = () => this.agree(choice.value);
    }
    $('stop').onclick = () => this.session?.cancel();
    $('type').onclick = () => this.write(!this.typing);
    $('say').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      const text = $('text').value.trim();
      if (text) this.session?.say(text);
      $('text').value = '';
    });
    document.addEventListener('keydown', event => this.press(event));
    document.addEventListener('visibilitychange', () => document.hidden || this.frame());
    NIGHT.addEventListener('change', () => this.dress());
    new ResizeObserver(() => this.face.stage?.resize()).observe($('stage'));
    navigator.mediaDevices?.addEventListener?.('devicechange', () => this.form.devices());
  }

  // -- what happens ---------------------------------------------------------------------------------------------------

  /** One event for the machine. @param {PageEvent} event */
  tell(event) {
    const before = this.state;
    this.state = next(before, event);
    this.scene.show(before, this.state, { typing: this.typing, mayType: this.mayType, consent: this.consent });
    if (event.type === 'granted') this.form.devices();
    if (before.face !== 'shown' && this.state.face === 'shown') this.face.stage?.resize();  // hidden, it had no size
  }

  /** What the session says. @param {PageEvent} event */
  hear(event) {
    if (LOGGED_TOO.has(event.type)) this.note({ ...event, kind: event.type, clock: this.session?.time() });
    if (event.type === 'lost' || event.type === 'full') this.talk.restart();  // another clock, another count of turns
    // Often it was this page's own conversation, from before it was loaded anew.
    if (event.type === 'over') this.scene.place.watch = false;
    this.talk.tell(event);
    this.tell(event);
    if (event.type !== 'over') return;
    this.session = null;
    this.lookAgain();
  }

  /** Watches the next conversation when there is one, unless somebody uses the page for something else meanwhile. */
  lookAgain() {
    clearTimeout(this.looking);
    const waits = () => this.state.session === 'idle' && this.state.use === 'watch';
    if (!waits()) return;
    this.looking = setTimeout(async () => {
      const info = waits() ? await this.parts.ask() : null;
      if (!info?.watch || !waits()) return this.lookAgain();
      this.scene.place.watch = true;
      this.begin('watch');
    }, LOOK_AGAIN);
  }

  /** A button was pressed, or its key. @param {string} event */
  act(event) {
    switch (event) {
      case 'talk': case 'type': case 'watch': return this.begin(event);
      case 'end': this.session?.end(); break;
      case 'again': this.session?.retry(); break;
      case 'mute': case 'unmute': this.session?.mute(event === 'mute'); break;
      case 'allow': return this.session?.unblock();
      case 'settings': return this.panels.open('settings');
      case 'secure': return this.goSecure();
      case 'reload': return location.reload();
      case 'load': this.openFace(); break;
      default:
    }
    this.tell({ type: event });
    if (event === 'end') this.session = null;
  }

  /** The user chooses what may be kept, before a conversation or in it. @param {string} consent */
  agree(consent) {
    this.consent = consent;
    this.form.radio('keep', consent);
    this.session?.agree(consent);
    this.tell({ type: 'chosen' });
  }

  /** The same page by HTTPS; the key goes along behind the #, which no server sees. */
  goSecure() {
    const { key } = this.parts;
    location.href = `${this.info.secure_url}${key ? `#key=${encodeURIComponent(key)}` : ''}`;
  }

  /** Begins a session in the place of the one before. @param {'talk'|'type'|'watch'} use */
  begin(use) {
    const before = this.session;
    this.session = null;
    before?.end();
    if (use === 'talk' && !isSecureContext) return this.tell({ type: 'insecure' });
    this.talk.restart();
    this.tell({ type: use });
    const options = {
      deviceId: this.settings.device, headphones: this.settings.on('headphones'), lipOffsetMs: -this.settings.lips,
      microphone: use === 'talk', consent: (this.info.consents?.length ?? 0) > 1 ? this.consent : null,
    };
    const session = this.parts.session(this.info, options);
    this.session = session;
    session.addEventListener('page', event => {
      if (session === this.session) this.hear(/** @type {CustomEvent<PageEvent>} */ (event).detail);
    });
    if (use === 'watch') session.watch();
    else session.talk();
  }

  countDown() {
    const { retry, session } = this.state;
    if (!retry || (session !== 'reconnecting' && session !== 'full')) return;
    this.tell({ type: 'wait', retry: { ...retry, in: Math.max(0, retry.in - 1) } });
  }

  // -- writing instead of speaking ------------------------------------------------------------------------------------

  get mayType() {
    return this.state.session === 'live' || this.state.session === 'watching';
  }

  get typing() {
    return this.state.use === 'type' || this.settings.on('typing');
  }

  /** @param {boolean} open */
  write(open) {
    this.settings.set('typing', open ? 'on' : 'off');
    this.tell({ type: 'writing' });
    if (open) $('text').focus();
    else $('type').focus();
  }

  // -- settings and keys ----------------------------------------------------------------------------------------------

  /** @param {string} name @param {string} value */
  change(name, value) {
    switch (name) {
      case 'theme': case 'captions': return this.dress();
      case 'quality': return this.act('load');
      case 'device': return this.session?.configure({ deviceId: value || null });
      case 'headphones': return this.session?.configure({ headphones: value === 'on' });
      case 'lips': return this.session?.configure({ lipOffsetMs: -this.settings.lips });
      default:
    }
  }

  /** @returns {'light'|'dark'} */
  get theme() {
    const choice = this.settings.choice('theme');
    return choice === 'dark' || (choice === 'system' && NIGHT.matches) ? 'dark' : 'light';
  }

  dress() {
    const { dataset } = document.documentElement;
    dataset.theme = this.settings.choice('theme');
    dataset.captions = this.settings.choice('captions');
    this.ring.styled = -1;
    this.face.stage?.setTheme(this.theme);
  }

  openFace() {
    this.face.open({ quality: this.settings.choice('quality'), theme: this.theme });
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const where = { typing: isField(event.target), shortcuts: this.settings.on('keys'), dialog: $('help').open };
    const asked = command(event, where);
    if (!asked) return;
    /** @type {Record<string, () => void>} */
    const does = {
      talk: () => $('talk').click(),
      mute: () => this.state.session === 'live' && !$('mic').hidden && !$('mic').disabled && $('mic').click(),
      write: () => this.mayType && this.write(true),
      latency: () => this.panels.toggle('latency'),
      settings: () => this.panels.toggle('settings'),
      captions: () => this.form.nextSize(),
      help: () => $('help').showModal(),
      escape: () => {
        if (this.panels.closable) this.panels.close();
        else if (!$('stop').hidden && !$('stop').disabled) $('stop').click();
      },
    };
    does[asked]();
    if (asked !== 'escape') event.preventDefault();
  }

  // -- every frame ----------------------------------------------------------------------------------------------------

  /** One picture, for now: the browser's own stamp of it may be long past where the page was held up. */
  frame() {
    const { session, state } = this, stamp = performance.now();
    const on = talking(state);
    const levels = session && on ? session.levels() : { you: 0, her: 0 };
    if (state.mic === 'muted') levels.you = 0;
    if (session && on) {
      this.talk.tick({ now: session.now(), position: session.position(), levels, floor: state.floor });
      const hers = state.floor === 'speaking' || state.floor === 'ducked';
      this.scene.levels(levels.you, levels.her, { moving: !STILL.matches && state.floor !== 'thinking', hers });
      if (stamp - this.measured > 1000) {
        this.measured = stamp;
        this.form.figures(session.figures());
      }
    }
    this.draw(stamp / 1000, levels, on);
    cancelAnimationFrame(this.ticking);
    this.ticking = requestAnimationFrame(this.frame);
  }

  /** @param {number} seconds @param {{you: number, her: number}} levels @param {boolean} on */
  draw(seconds, levels, on) {
    const { state, session } = this;
    const floor = on ? state.floor : 'listening';
    const stage = this.face.stage;
    if (state.face !== 'shown' || !stage) {
      const loaded = state.face === 'loading' ? state.loaded : 1;
      this.ring.draw(seconds, { ...levels, loaded, still: STILL.matches, live: on, floor: on ? floor : '' });
      return;
    }
    const { life, performer } = this.parts;
    const clock = session?.time() ?? seconds;
    const gesture = session && on ? session.gesture() : undefined;
    this.scene.mood(gesture?.mood.name ?? '');
    const speech = session && on ? session.weights(seconds) : null;
    const spoke = performer.share > 0;
    const pose = performer.perform(life.at(seconds, { floor, level: levels, ...gesture }), speech, seconds);
    stage.draw(pose, seconds);
    const { share } = performer;
    if (!spoke && !share) return;
    this.note({ kind: 'draw', clock, jaw: pose.weights[AT.jawOpen], share, ...(speech && session?.drawn()) });
    if (!share) this.note({ kind: 'neutral', clock });
  }

  /** @param {any} entry */
  note(entry) {
    this.log.push(entry);
    if (this.log.length > LOGGED) this.log.splice(0, this.log.length - LOGGED);
  }
}
