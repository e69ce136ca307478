// @ts-check
// Captions of both sides on the page. Hers are laid out in full and become visible word by word, so that no line moves
// under the reader's eyes.
import { make } from './dom.js';
import { split, tongue } from './words.js';

/** @typedef {import('./words.js').Spoken} Spoken */

export class Captions {
  /** @param {HTMLElement} root  holds `.you .words` and `.her .words`, each in a `.window` of a few lines */
  constructor(root) {
    this.root = root;
    this.you = /** @type {HTMLElement} */ (root.querySelector('.you .words'));
    this.her = /** @type {HTMLElement} */ (root.querySelector('.her .words'));
    /** @type {Spoken|null} */
    this.reply = null;
    /** @type {HTMLSpanElement[]} one a word */
    this.spans = [];
    this.drawn = '';
    this.said = '';
  }

  /** The user's words so far; those after `sure` characters may still change. @param {string} text @param {number} sure */
  user(text, sure) {
    const key = `${sure} ${text}`;
    if (key === this.said) return;
    this.said = key;
    const [known, open] = split(text, sure);
    this.you.textContent = '';
    this.speaks(this.you, text);
    if (known) this.you.append(make('span', '', known));
    if (open) this.you.append(make('span', 'unsure', open));
    this.keepInView(this.you, this.you.lastElementChild);
  }

  /** This reply is the one to read from now on. @param {Spoken|null} reply */
  show(reply) {
    if (reply === this.reply) return;
    this.reply = reply;
    this.spans = [];
    this.drawn = '';
    this.her.textContent = '';
    /** @type {HTMLElement} */ (this.her.parentElement).scrollTop = 0;
  }

  clear() {
    this.show(null);
    this.user('', 0);
  }

  /** Brings the page to where the reply is. */
  draw() {
    const { reply, spans } = this;
    if (!reply) return;
    const key = `${reply.words.length} ${reply.heard} ${reply.cutAt}`;
    if (key === this.drawn) return;
    this.drawn = key;
    for (let index = spans.length; index < reply.words.length; index++) {
      if (index === 0 || reply.breaks.has(index)) this.her.appendChild(make('span', 'line')).dir = 'auto';
      const span = make('span', 'ahead', reply.words[index].text);
      spans.push(span);
      this.her.lastElementChild?.append(span);
    }
    for (const line of this.her.children) this.speaks(line, line.textContent ?? '');
    spans.forEach((span, index) => {
      const fate = reply.fate(index);
      if (span.className !== fate) span.className = fate;
    });
    // Of what was struck the first line is kept in view, else the word that is spoken.
    const first = reply.cutAt === null ? reply.heard - 1 : Math.min(reply.heard, spans.length - 1);
    if (reply.heard) this.keepInView(this.her, spans[first]);
  }

  /** Where the page knows of no one language, letters are drawn as the text itself says. @param {Element} element @param {string} text */
  speaks(element, text) {
    if (this.root.lang === '') element.setAttribute('lang', tongue(text));
  }

  /** Scrolls by whole lines, so that `span` stands in the window's last line at most. @param {HTMLElement} line @param {Element|null} span */
  keepInView(line, span) {
    const pane = line.parentElement;
    if (!pane || !(span instanceof HTMLElement)) return;
    const height = parseFloat(getComputedStyle(line).lineHeight);
    const lines = Math.max(1, Math.round(pane.clientHeight / height));
    const boxes = span.getClientRects();
    const bottom = boxes.length ? boxes[boxes.length - 1].bottom : span.getBoundingClientRect().bottom;
    const at = Math.round((bottom - line.getBoundingClientRect().top) / height);
    const top = Math.max(0, at - lines) * height;
    if (Math.abs(pane.scrollTop - top) > 1) pane.scrollTop = top;
  }
}
