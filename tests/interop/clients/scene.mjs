// What the scripts of JavaScript clients share; see scene.py.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export const { SOPHIA_URL: URL, SOPHIA_KEY: KEY, SOPHIA_SOUNDS: SOUNDS } = process.env;
export const SOCKET = `${URL.replace('https:', 'wss:')}/realtime`;
export const RATE = 24000;
const FRAME = (RATE / 50) * 2; // bytes of 20 ms

export const TOOL = {
  type: 'function', name: 'order_status', description: 'Where an order is.',
  parameters: { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'] },
};

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export const saw = (what, facts = {}) => console.log(JSON.stringify({ saw: what, ...facts }));

/** Has something done, and waits until it is. */
export async function ask(what, more = {}) {
  console.log(JSON.stringify({ ask: what, ...more }));
  await answers.next();
}

/** A microphone that is always open: `send` is handed int16 in a Buffer. Why what is said comes at once: scene.py. */
export class Voice {
  #timer;
  #due = performance.now();

  constructor(send) {
    this.send = send;
    this.#timer = setInterval(() => {
      for (; this.#due <= performance.now(); this.#due += 20) send(Buffer.alloc(FRAME));
    }, 10);
  }

  say(name) {
    const said = readFileSync(`${SOUNDS}/${name}.wav`).subarray(44);
    this.send(said);
    this.#due += (1000 * said.length) / 2 / RATE;
  }

  close() { clearInterval(this.#timer); }
}

/** Waits until a condition holds; `tell` says that something changed. */
export class News {
  #waiting = new Set();

  tell() { for (const look of this.#waiting) look(); }

  until(holds, seconds = 20) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { this.#waiting.delete(look); reject(new Error(`not within ${seconds} s: ${holds}`)); }, seconds * 1000);
      const look = () => { if (holds()) { clearTimeout(timer); this.#waiting.delete(look); resolve(); } };
      this.#waiting.add(look);
      look();
    });
  }
}
