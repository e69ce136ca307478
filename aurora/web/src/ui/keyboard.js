// @ts-check
// Single keys, which can be switched off (WCAG 2.1.4), and Escape, which cannot.

/** @typedef {'talk'|'mute'|'write'|'latency'|'settings'|'captions'|'help'|'escape'} Command */

/** @type {Record<string, Command>} */
const KEYS = { t: 'talk', m: 'mute', w: 'write', l: 'latency', s: 'settings', c: 'captions', '?': 'help' };

/**
 * What a key press asks for, or null.
 * @param {{key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean, repeat?: boolean}} press
 * @param {{typing: boolean, shortcuts: boolean, dialog: boolean}} where  `typing`: the focus is in a field; `dialog`:
 *   one is open, and has its own Escape
 * @returns {Command|null}
 */
export function command(press, { typing, shortcuts, dialog }) {
  if (press.ctrlKey || press.metaKey || press.altKey || press.repeat || dialog) return null;
  if (press.key === 'Escape') return 'escape';
  if (typing || !shortcuts) return null;
  return KEYS[press.key.length === 1 ? press.key.toLowerCase() : ''] ?? null;
}

/** Whether keys that are pressed in `element` are text. @param {EventTarget|null} element */
export function isField(element) {
  return element instanceof Element && element.matches('select, textarea, input:not([type=checkbox], [type=radio])');
}
