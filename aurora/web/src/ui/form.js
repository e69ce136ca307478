// @ts-check
// The settings sheet: shows what is remembered, tells what was changed, lists what was measured.
import { $, make, write } from './dom.js';
import { signed } from './figures.js';

const SIZES = ['off', 's', 'm', 'l'];

export class Form {
  /**
   * @param {import('./settings.js').Settings} settings
   * @param {(name: string, value: string) => void} changed
   */
  constructor(settings, changed) {
    this.settings = settings;
    this.changed = changed;
    for (const name of /** @type {const} */ (['theme', 'captions', 'quality'])) this.radio(name, settings.choice(name));
    for (const name of /** @type {const} */ (['headphones', 'aloud', 'keys'])) $(name).checked = settings.on(name);
    $('lips').value = settings.lips;
    this.lips(settings.lips);
    $('form').addEventListener('input', (/** @type {Event} */ event) => this.input(/** @type {any} */ (event.target)));
    $('form').addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault());
  }

  /** @param {HTMLInputElement|HTMLSelectElement} field */
  input(field) {
    if (field instanceof HTMLInputElement && field.type === 'checkbox') this.set(field.id, field.checked ? 'on' : 'off');
    else this.set(field.name || field.id, field.value);
  }

  /** @param {string} name @param {string} value */
  set(name, value) {
    this.settings.set(name, value);
    if (name === 'lips') this.lips(Number(value));
    this.changed(name, value);
  }

  /** @param {string} name @param {string} value */
  radio(name, value) {
    const choice = /** @type {HTMLInputElement|null} */ (document.querySelector(`[name="${name}"][value="${value}"]`));
    if (choice) choice.checked = true;
  }

  /** @param {number} value */
  lips(value) {
    const text = value ? signed(value) : '0 ms';
    write($('lips-out'), text);
    $('lips').setAttribute('aria-valuetext', value ? `${Math.abs(value)} ms ${value > 0 ? 'later' : 'earlier'}` : 'with the sound');
  }

  /** The next size of the captions. */
  nextSize() {
    const size = SIZES[(SIZES.indexOf(this.settings.choice('captions')) + 1) % SIZES.length];
    this.radio('captions', size);
    this.set('captions', size);
  }

  /** The microphones that there are; their names are only told once one was allowed. */
  async devices() {
    const select = $('device');
    if (!navigator.mediaDevices?.enumerateDevices) return;
    const all = await navigator.mediaDevices.enumerateDevices();
    const known = all.filter(one => one.kind === 'audioinput' && one.deviceId && one.deviceId !== 'default');
    const options = known.map((one, index) => {
      const option = make('option', '', one.label || `Microphone ${index + 1}`);
      option.value = one.deviceId;
      return option;
    });
    select.replaceChildren(select.options[0], ...options);
    select.value = known.some(one => one.deviceId === this.settings.device) ? this.settings.device : '';
  }

  /** What the session measured. @param {import('../types.d.ts').Figures} figures */
  figures({ underruns, skewMs, missing, echo }) {
    if (echo) write($('echo'), ECHO[echo] ?? echo);
    if (underruns !== null) write($('underruns'), underruns === 1 ? 'once' : underruns ? `${underruns} times` : 'never');
    if (skewMs === null) return;
    const without = missing ? `, ${(100 * missing).toFixed(missing < 0.1 ? 1 : 0)} % of her speech without` : '';
    write($('skew'), `${signed(skewMs)}${without}`);
  }

  /** Which head stands there, and what it cannot do. @param {string} name @param {string[]} missing @param {string[]} notes */
  head(name, missing, notes) {
    write($('head-name'), name);
    $('missing').hidden = !missing.length && !notes.length;
    write($('missing-count'), missing.length === 1 ? 'One of 52 shapes is missing' : `${missing.length} of 52 shapes are missing`);
    write($('missing-names'), [missing.join(', '), ...notes].filter(Boolean).join('. '));
  }
}

/** @type {Record<string, string>} */
const ECHO = {
  all: 'the browser’s, all sound', yes: 'the browser’s', 'remote-only': 'the browser’s, her voice', no: 'off',
};
