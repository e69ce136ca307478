// @ts-check
// What the page remembers between visits. Values are checked when they are read: storage is anybody's.

/** Each setting's default, and what it may be. */
const CHOICES = /** @type {const} */ ({
  theme: ['system', 'light', 'dark'],
  captions: ['m', 'off', 's', 'l'],
  quality: ['auto', 'high', 'low', 'flat'],
  keys: ['on', 'off'],
  aloud: ['off', 'on'],
  headphones: ['off', 'on'],
  typing: ['off', 'on'],
});
const LIPS = 300;

export class Settings {
  /** @param {() => Storage} open  gives the storage; may throw, then everything is forgotten at the end */
  constructor(open) {
    /** @type {Storage|null} */
    this.storage = null;
    try {
      this.storage = open();
    } catch { /* a private window */ }
    /** @type {Map<string, string>} */
    this.now = new Map();
  }

  /** @param {string} name @returns {string|null} */
  read(name) {
    try {
      return this.now.get(name) ?? this.storage?.getItem(`sophia.${name}`) ?? null;
    } catch {
      return null;
    }
  }

  /** @param {string} name @param {string} value */
  set(name, value) {
    this.now.set(name, value);
    try {
      this.storage?.setItem(`sophia.${name}`, value);
    } catch { /* full, or forbidden: it holds for this visit */ }
  }

  /** One of a setting's choices; the first is the default. @param {keyof typeof CHOICES} name @returns {string} */
  choice(name) {
    const allowed = /** @type {readonly string[]} */ (CHOICES[name]);
    const value = this.read(name);
    return value !== null && allowed.includes(value) ? value : allowed[0];
  }

  /** @param {keyof typeof CHOICES} name */
  on(name) {
    return this.choice(name) === 'on';
  }

  /** By how much later than the sound the lips move, ms within ±300. */
  get lips() {
    const value = Number(this.read('lips') ?? 0);
    return Number.isFinite(value) ? Math.max(-LIPS, Math.min(LIPS, value)) : 0;
  }

  /** The microphone that was chosen, or null for the browser's. */
  get device() {
    return this.read('device') || null;
  }
}
