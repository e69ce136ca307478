// @ts-check
// The side sheets: one at a time. On a phone they lie over the stage, so each begins closed there.
import { $ } from './dom.js';

/** @typedef {'latency'|'settings'} Name */
/** @type {Name[]} */
const NAMES = ['latency', 'settings'];

export class Panels {
  constructor() {
    this.root = document.documentElement;
    this.narrow = matchMedia('(max-width: 900px)');
    /** @type {HTMLElement|null} what had the focus before a sheet was opened */
    this.opener = null;
    for (const name of NAMES) {
      $(`open-${name}`).onclick = () => this.toggle(name);
      $(name).querySelector('.close').onclick = () => this.close(name);
    }
    $('brief').onclick = () => this.open('latency');
    $('open-help').onclick = () => $('help').showModal();
    this.show(this.narrow.matches ? 'none' : 'latency');
  }

  get shown() {
    return this.root.dataset.panel ?? 'none';
  }

  /** A sheet that can be closed by Escape: settings anywhere, both on a phone. */
  get closable() {
    return this.shown === 'settings' || (this.narrow.matches && this.shown !== 'none');
  }

  /** @param {string} name */
  show(name) {
    this.root.dataset.panel = name;
    for (const one of NAMES) {
      $(one).hidden = one !== name;
      $(`open-${one}`).setAttribute('aria-expanded', String(one === name));
    }
    $('brief').setAttribute('aria-expanded', String(name === 'latency'));
  }

  /** @param {Name} name */
  open(name) {
    if (this.shown === name) return;
    this.opener = /** @type {HTMLElement} */ (document.activeElement);
    this.show(name);
    $(name).querySelector('.close').focus({ preventScroll: true });
  }

  /** Settings give way to latency where both have room. @param {string} [name] */
  close(name = this.shown) {
    this.show(name === 'settings' && !this.narrow.matches ? 'latency' : 'none');
    if (this.opener?.isConnected) this.opener.focus({ preventScroll: true });
    this.opener = null;
  }

  /** @param {Name} name */
  toggle(name) {
    if (this.shown === name) this.close(name);
    else this.open(name);
  }
}
