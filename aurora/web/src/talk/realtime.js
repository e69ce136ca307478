// @ts-check
// The socket: the OpenAI Realtime wire as a browser speaks it. It says hello, keeps the connection or comes back to the
// server by itself, and tells refusals from accidents. What the events mean is not its business.
import { toBase64 } from './pcm.js';

/** Our extensions of the wire; a server without them leaves them out of its answer. */
export const EXTENSIONS = ['face', 'words', 'floor', 'ledger', 'playout', 'levels', 'notice', 'recording', 'resume', 'gestures'].map(name => `sophia.${name}`);

/** Seconds without a word after which a connection counts as dead: levels come ten times a second, also in silence. */
export const SILENCE = 10;

/** Bytes that may wait in the browser. Beyond, the microphone's frames are dropped: late sound helps nobody. */
export const BACKLOG = 64 * 1024;

/** Tries to come back, and seconds before the first one; each next one waits half as long again. */
export const TRIES = 6, FIRST_WAIT = 2;

/** Seconds after which a server whose places are taken is asked again; the waits grow to the second number. */
const FULL_WAIT = 4, LONGEST_FULL_WAIT = 15;

/** Characters of a message; a longer one is none of ours. */
const LONGEST = 4_000_000;

const LEFT = 'the page left';

/** What an error means that comes before a close. */
const REFUSALS = /** @type {Record<string, string>} */ ({
  session_limit_reached: 'full',
  session_moved: 'moved',
  conversation_over: 'over',
  nothing_to_watch: 'over',
  invalid_api_key: 'key',
  session_expired: 'lost',
  server_shutting_down: 'lost',
});

/** Close codes after which nothing was wrong with what we asked for: the server goes, restarts, or broke. */
const COME_BACK = new Set([1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015]);

/**
 * @typedef {{code: string, message: string, places: number | null}} Refusal
 * @typedef {(state: 'open'|'lost'|'full'|'gone'|'moved'|'over'|'key'|'refused', detail?: object) => void} Told
 */

export class RealtimeSocket {
  /**
   * @param {{url: string, key: string | null, session: object, event: (event: any) => void, told: Told,
   *   Socket?: typeof WebSocket, now?: () => number}} options `url` begins with ws: or wss:; `session` goes into
   *   `session.update`; `event` gets each wire event; `told` what became of the connection; `now` in seconds
   */
  constructor({ url, key, session, event, told, Socket = globalThis.WebSocket, now = () => performance.now() / 1000 }) {
    this.url = url;
    this.protocols = ['realtime', ...(key ? [`openai-insecure-api-key.${key}`] : [])];
    this.session = session;
    this.event = event;
    this.told = told;
    this.Socket = Socket;
    this.now = now;
    this.dropped = 0; // frames of the microphone for which there was no room
    this.attempt = 0;
    this.asked = 0; // how often the places were all taken
    this.opened = NaN; // when the connection that stands was opened
    this.ever = false; // whether one ever was
    this.token = /** @type {string | null} */ (null); // what the server last gave us, to go on elsewhere
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {Refusal | null} */
    this.refusal = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.watch = undefined;
  }

  /** Connects; also at once, where it would have waited before the next try. */
  connect() {
    this.#leave();
    this.refusal = null;
    this.opened = NaN;
    let socket;
    try {
      socket = new this.Socket(this.url, this.protocols);
    } catch {
      return this.told('key'); // a key with characters that no key has
    }
    this.socket = socket;
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#listen(socket);
  }

  /** Takes a connection for lost from which nothing comes. @param {WebSocket} socket */
  #listen(socket) {
    let heard = this.now(), looked = heard;
    socket.addEventListener('message', () => { heard = this.now(); });
    const look = () => {
      const now = this.now();
      if (now - looked > 3) heard = now; // the page itself stood still: what came meanwhile is read next
      looked = now;
      if (now - heard > SILENCE) this.#closed(1006, 'no word');
      else this.watch = setTimeout(look, 1000);
    };
    this.watch = setTimeout(look, 1000);
  }

  /** Sends an event; false if there is no connection. @param {object} event */
  send(event) {
    if (!this.open) return false;
    this.socket?.send(JSON.stringify(event));
    return true;
  }

  /** Sends a frame of the microphone, or drops it where too much waits. @param {Int16Array} pcm */
  append(pcm) {
    if (!this.open || !this.socket) return;
    if (this.socket.bufferedAmount > BACKLOG) this.dropped++;
    else this.send({ type: 'input_audio_buffer.append', audio: toBase64(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength)) });
  }

  /** Whether the server has answered our `session.update`. */
  get open() { return !Number.isNaN(this.opened); }

  /** Ends it for good. */
  close() {
    this.#leave();
    this.opened = NaN;
  }

  #leave() {
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null; // a dead connection may take minutes to close
    socket.close(1000, LEFT);
  }

  /** @param {unknown} data */
  #take(data) {
    if (typeof data !== 'string' || data.length > LONGEST) return;
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      return;
    }
    if (typeof event?.type !== 'string') return;
    if (event.type === 'error') {
      const { code, message } = event.error ?? {}, places = event.sophia?.places;
      this.refusal = { code: String(code), message: String(message ?? ''), places: Number.isInteger(places) ? places : null };
    }
    if (event.type === 'sophia.resume.token') this.token = String(event.token);
    if (event.type === 'error' && String(event.error?.code).startsWith('resume_')) this.token = null;
    if (event.type === 'session.created') this.socket?.send(JSON.stringify({ type: 'session.update', session: this.#wishes() }));
    const first = event.type === 'session.updated' && !this.open;
    if (first) {
      this.opened = this.now();
      this.ever = true;
      this.asked = 0;
    }
    this.event(event);
    if (first) this.told('open');
  }

  /** What the session is to be; the conversation that a server dropped goes on in it. */
  #wishes() {
    const { sophia, ...session } = /** @type {any} */ (this.session);
    return { ...session, sophia: this.token ? { ...sophia, resume: this.token } : sophia };
  }

  /** @param {number} code @param {string} reason */
  #closed(code, reason) {
    const lasted = this.now() - this.opened, stood = this.open, refusal = this.refusal;
    this.#leave();
    this.opened = NaN;
    if (lasted > SILENCE) this.attempt = 0;
    const meant = REFUSALS[refusal?.code ?? ''] ?? (stood || COME_BACK.has(code) ? 'lost' : 'refused');
    if (meant === 'full') {
      const wait = Math.min(LONGEST_FULL_WAIT, FULL_WAIT * 1.5 ** this.asked++);
      this.#again(wait);
      this.told('full', { places: refusal?.places ?? null, retry: { in: wait } });
    } else if (['moved', 'over', 'key'].includes(meant)) this.told(/** @type {'moved'|'over'|'key'} */ (meant));
    else if (meant === 'refused') this.told('refused', { code: refusal?.code ?? String(code), message: refusal?.message || reason });
    else if (!this.ever || this.attempt === TRIES) this.told('gone');
    else {
      const wait = FIRST_WAIT * 1.5 ** this.attempt++;
      this.#again(wait);
      this.told('lost', { retry: { in: wait, attempt: this.attempt, of: TRIES } });
    }
  }

  /** @param {number} seconds */
  #again(seconds) { this.timer = setTimeout(() => this.connect(), 1000 * seconds); }
}
