// @ts-check
// The state on the page: pill, message, buttons, notices, and what a screen reader is told.
import { $, make, write } from './dom.js';
import { MOODS } from '../talk/gestures.js';
import { talking } from './machine.js';
import { KEEP, sign, spoken, view } from './sentences.js';

/** @typedef {import('./machine.js').State} State */

const BARS = [1.6, 3, 2.3, 1.2];
/** After so many ms “End” ends: whoever pressed what the button said just before does not mean it. */
const MEANT = 400;
const STOPPABLE = new Set(['thinking', 'speaking', 'ducked', 'paused']);

export class Scene {
  /**
   * @param {import('./sentences.js').Place} place
   * @param {(event: string) => void} act  a button was pressed
   */
  constructor(place, act) {
    this.place = place;
    this.act = act;
    this.stage = $('stage');
    this.noted = '';
    this.action = '';
    this.changed = -Infinity;
    this.bars = [...$('pill').querySelectorAll('.glyph b')];
    this.levelYou = $('level-you');
    this.levelHer = $('level-her');
    this.mic = $('mic');
  }

  /** @param {State} before @param {State} state @param {{typing: boolean, mayType: boolean, consent: string}} more */
  show(before, state, { typing, mayType, consent }) {
    const told = view(state, this.place);
    const focused = document.activeElement;
    const live = state.session === 'live';
    const on = talking(state);
    Object.assign(this.stage.dataset, { session: state.session, floor: state.floor, tone: told.tone, on: String(on) });
    this.stage.classList.toggle('muted', state.mic === 'muted');
    write($('word'), told.word);
    write($('says'), told.says);
    write($('todo'), told.todo);
    $('captions').hidden = !on;
    $('message').hidden = on;
    $('try').hidden = state.session !== 'idle';
    if (told.action.event !== this.action) this.changed = performance.now();
    this.action = told.action.event;
    this.button($('talk'), told.action);
    $('talk').classList.toggle('quiet', !!told.action.quiet);
    this.button($('second'), told.second);
    write($('you-name'), state.session === 'watching' ? 'User' : 'You');
    write($('you-meter'), state.session === 'watching' ? 'User' : 'You');

    $('mic').hidden = !live || state.mic === 'off';
    $('mic').disabled = state.mic === 'lost';
    write($('mic-word'), state.mic === 'muted' ? 'Unmute' : 'Mute');
    $('stop').hidden = !live;
    $('stop').disabled = !STOPPABLE.has(state.floor);
    $('type').hidden = !mayType;
    $('type').setAttribute('aria-expanded', String(mayType && typing));
    $('say').hidden = !mayType || !typing;

    const signed = on ? sign(state) : '';
    $('recording').hidden = !signed;
    $('recording').disabled = !live;
    $('recording').classList.toggle('sound', state.kept.recording);
    write($('recording-word'), signed);
    $('recording-stop').hidden = !live;
    $('keep').hidden = on || (this.place.consents?.length ?? 0) < 2;
    write($('keep-help'), KEEP[consent] ?? '');

    $('loading').hidden = state.face !== 'loading';
    $('face').hidden = state.face !== 'shown';
    $('ring').hidden = state.face === 'shown';
    const share = Math.round(100 * state.loaded);
    write($('loading'), share ? `Her face: ${share} %` : 'Her face is on its way');
    this.notices(told.notices);

    const news = spoken(before, state, this.place);
    if (news) $(told.tone === 'bad' ? 'alert' : 'status').textContent = news;
    if (!on) this.levels(0, 0, { moving: false });
    this.refocus(focused, state.use === 'type' && live && before.session === 'connecting');
  }

  /** The mood of what is heard, beside the word for the floor. @param {string} name */
  mood(name) { write($('mood'), MOODS[name] ?? ''); }

  /** Who wrote to come in goes on writing. A button that had the focus and is gone leaves it where one can go on. @param {Element|null} focused @param {boolean} writes */
  refocus(focused, writes) {
    if (writes) return $('text').focus();
    if (!(focused instanceof HTMLElement) || focused === document.body || focused.checkVisibility()) return;
    ($('mic').hidden ? $('talk') : $('mic')).focus();
  }

  /** @param {HTMLElement} button @param {import('./sentences.js').Action|null} action */
  button(button, action) {
    button.hidden = !action;
    if (!action) return;
    write(button.querySelector('span') ?? button, action.label);
    button.onclick = () => {
      if (action.event !== 'end' || performance.now() - this.changed > MEANT) this.act(action.event);
    };
  }

  /** @param {import('./sentences.js').Notice[]} list */
  notices(list) {
    const key = JSON.stringify(list);
    if (key === this.noted) return;
    this.noted = key;
    $('notices').hidden = !list.length;
    $('notices').replaceChildren(...list.map(({ text, label, event }) => {
      const line = make('li');
      line.append(make('span', '', text));
      if (!label || !event) return line;
      const button = line.appendChild(make('button', '', label));
      button.type = 'button';
      button.onclick = () => this.act(event);
      return line;
    }));
  }

  /** Meters, the glyph in the pill, the filling of a phone's microphone button. @param {number} you @param {number} her @param {{moving: boolean, hers?: boolean}} how */
  levels(you, her, { moving, hers = false }) {
    this.levelYou.style.transform = `scaleX(${you.toFixed(3)})`;
    this.levelHer.style.transform = `scaleX(${her.toFixed(3)})`;
    this.mic.style.setProperty('--level', you.toFixed(2));
    const level = hers ? her : you;
    this.bars.forEach((bar, index) => {
      bar.style.transform = moving ? `scaleY(${(1 + level * BARS[index]).toFixed(2)})` : '';
    });
  }
}

/** Tells a screen reader one whole sentence, where that was asked for. @param {string} who @param {string} text */
export function aloud(who, text) {
  if (!text) return;
  const log = $('log');
  log.append(make('p', '', `${who}: ${text}`));
  while (log.children.length > 20) log.firstChild.remove();
}
