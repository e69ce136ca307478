// @ts-check
// What the page says in each state: one word for the pill, one sentence of what is the matter, one of what to do, and
// the button that does it. Nothing here touches the page, so the manual and the tests read the same text.
import { talking } from './machine.js';

/**
 * @typedef {import('./machine.js').State} State
 * @typedef {{host?: string, secure?: string|null, watch?: boolean, consents?: string[]}} Place  where the page came from
 * @typedef {{label: string, event: string, quiet?: boolean}} Action
 * @typedef {{id: string, text: string, label?: string, event?: string}} Notice
 * @typedef {object} View
 * @property {string} word
 * @property {'calm'|'busy'|'live'|'bad'} tone
 * @property {string} says
 * @property {string} todo
 * @property {Action} action
 * @property {Action|null} second  another way on, smaller
 * @property {Notice[]} notices
 */

const TYPE = { label: 'Write instead', event: 'type' };

/** @type {Record<string, {word: string, says: string, todo: string, label: string, second: Action|null}>} */
const FAILED = {
  denied: {
    word: 'No microphone', says: 'The browser refused the microphone.',
    todo: 'Allow it beside the address bar, then try again.', label: 'Try again', second: TYPE,
  },
  nomic: {
    word: 'No microphone', says: 'No microphone was found.', todo: 'Plug one in, then try again.',
    label: 'Try again', second: TYPE,
  },
  busy: {
    word: 'No microphone', says: 'Another program holds the microphone.', todo: 'Close that program, then try again.',
    label: 'Try again', second: TYPE,
  },
  gone: {
    word: 'Not connected', says: 'The server does not answer.',
    todo: 'See whether Sophia is still running, then connect again.', label: 'Connect again', second: null,
  },
  moved: {
    word: 'Moved', says: 'This conversation went on in another tab.', todo: 'Take it back whenever you like.',
    label: 'Talk here', second: null,
  },
  refused: {
    word: 'Refused', says: 'The server refused the conversation.', todo: 'Try again, or ask whoever runs it.',
    label: 'Try again', second: null,
  },
  key: {
    word: 'No key', says: 'This server asks for its key.',
    todo: 'Open the address that it printed when it started. It ends with the key.', label: 'Try again', second: null,
  },
};

/** @type {Record<string, string>} */
const SERVICE = {
  asr: 'The speech recogniser failed in this turn. Please say it again.',
  llm: 'The language model did not answer in time. Please ask again.',
  tts: 'Her voice failed in this turn. Her words are in the captions.',
  face: 'The face service stopped. She goes on without moving her lips.',
};

/** @type {Record<string, string>} */
const FLOOR = {
  listening: 'Listening', hearing: 'Hearing you', thinking: 'Thinking', speaking: 'Speaking',
  ducked: 'Speaking softly', paused: 'Paused for you', interrupted: 'Stopped for you',
};
/** The same floor for somebody who only watches. @type {Record<string, string>} */
const WATCHED = { ...FLOOR, hearing: 'Hearing', paused: 'Paused', interrupted: 'Stopped' };

/** @param {import('./machine.js').Retry|null} retry */
const soon = retry => (retry && retry.in > 0 ? `in ${Math.ceil(retry.in)} s` : 'now');

/** What a server said, as a sentence; nothing where it said too much. @param {string|null} said */
function sentence(said) {
  const text = said?.trim() ?? '';
  if (!text || text.length > 160) return '';
  return text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}

/** @param {State} state */
function waiting({ retry }) {
  const which = retry?.attempt && retry.of ? `, ${retry.attempt} of ${retry.of}` : '';
  return `Trying again ${soon(retry)}${which}.`;
}

/**
 * What to show in `state`.
 * @param {State} state
 * @param {Place} [place]
 * @returns {View}
 */
export function view(state, place = {}) {
  const stop = { label: 'Cancel', event: 'end', quiet: true };
  const watch = place.watch ? { label: 'Watch the talk at the server', event: 'watch' } : null;
  const base = { says: '', todo: '', second: null, notices: notices(state) };
  switch (state.session) {
    case 'idle':
      return {
        ...base, word: 'Ready', tone: 'calm', todo: 'Your browser will ask for the microphone.',
        action: { label: 'Talk to Sophia', event: 'talk' }, second: watch ?? TYPE,
      };
    case 'permission':
      return {
        ...base, word: 'Microphone?', tone: 'busy', says: 'The browser asks for your microphone.',
        todo: 'Choose “Allow”.', action: stop,
      };
    case 'connecting':
      return {
        ...base, word: 'Connecting', tone: 'busy', says: `Connecting${place.host ? ` to ${place.host}` : ''}.`,
        todo: 'This takes a moment.', action: stop,
      };
    case 'live':
      return { ...base, word: FLOOR[state.floor], tone: 'live', action: { label: 'End', event: 'end', quiet: true } };
    case 'watching':
      return {
        ...base, word: WATCHED[state.floor], tone: 'live', action: { label: 'Talk here', event: 'talk', quiet: true },
      };
    case 'reconnecting':
      return {
        ...base, word: 'Reconnecting', tone: 'bad', says: 'The connection broke.', todo: waiting(state),
        action: { label: 'Try now', event: 'again' }, second: { label: 'End', event: 'end' },
      };
    case 'full':
      return {
        ...base, word: 'Full', tone: 'bad',
        says: state.places ? `All ${state.places} places are taken.` : 'All places are taken.',
        todo: `Leave this page open: it asks again ${soon(state.retry)}.`,
        action: { label: 'Ask now', event: 'again' }, second: { label: 'End', event: 'end' },
      };
    case 'insecure':
      return {
        ...base, word: 'Not secure', tone: 'bad', says: 'Browsers give no microphone to an address without HTTPS.',
        todo: place.secure ? `Open ${place.secure} instead.` : 'Open it by an address that begins with https://, or on the server itself.',
        action: place.secure
          ? { label: 'Open the secure page', event: 'secure' }
          : { label: 'Try again', event: 'reload' },
        second: watch,
      };
    default: {
      const failed = FAILED[state.why ?? ''] ?? FAILED.gone;
      const event = ['key', 'nopage'].includes(state.why ?? '') ? 'reload' : ['gone', 'moved', 'refused'].includes(state.why ?? '') ? state.use : 'talk';
      return {
        ...base, word: failed.word, tone: 'bad', says: sentence(state.said) || failed.says, todo: failed.todo,
        action: { label: failed.label, event }, second: failed.second,
      };
    }
  }
}

/**
 * Short lines that stand beside the conversation and do not end it, the most urgent first.
 * @param {State} state
 * @returns {Notice[]}
 */
export function notices(state) {
  const list = [];
  const live = state.session === 'live';
  if (live && state.sound === 'blocked') {
    list.push({ id: 'sound', text: 'The browser holds back her voice.', label: 'Turn on sound', event: 'allow' });
  }
  if (live && state.mic === 'lost') {
    const text = 'The microphone is gone. Plug it in, or choose another one.';
    list.push({ id: 'lost', text, label: 'Choose', event: 'settings' });
  }
  if (live && state.mic === 'muted') {
    list.push({ id: 'muted', text: 'Your microphone is muted.', label: 'Unmute', event: 'unmute' });
  }
  if (live && state.mic === 'silent') {
    const text = 'Nothing comes from your microphone. Is it the right one?';
    list.push({ id: 'silent', text, label: 'Choose', event: 'settings' });
  }
  if (talking(state) && state.trouble) {
    const { service, over, message, hint } = state.trouble;
    const said = sentence([message, hint].filter(Boolean).join(' '));
    const told = said || (over && SERVICE[service]);
    if (told) list.push({ id: 'service', text: told });
  }
  if (state.session === 'watching') {
    list.push({ id: 'watch', text: 'You are watching. Microphone and sound are at the server.' });
  }
  if (state.face === 'slow') {
    const text = 'Drawing her takes too long here, so sound and words go first.';
    list.push({ id: 'slow', text, label: 'Show her all the same', event: 'insist' });
  }
  if (!live && state.face === 'flat') {
    list.push({ id: 'flat', text: 'No 3-D in this browser. You hear her and read along.' });
  }
  if (!live && state.face === 'broken') {
    const text = 'Her face did not load. You can talk all the same.';
    list.push({ id: 'broken', text, label: 'Load again', event: 'load' });
  }
  return list;
}

/** What the sign says while more than numbers is kept; empty where nothing more is. @param {State} state */
export function sign({ kept }) {
  if (kept.recording) return 'Recording';
  return kept.consent === 'numbers' ? '' : 'Words are kept';
}

/** What a choice of what may be kept means. @type {Record<string, string>} */
export const KEEP = {
  numbers: 'How long things took, and no word of what is said.',
  words: 'What is said, as text. You can stop it at any time.',
  sound: 'What is said, and both voices. A red sign shows it; you can stop it at any time.',
};

/**
 * What a screen reader is told: the session, never each change of the floor, for that is what the voice itself tells.
 * @param {State} before
 * @param {State} after
 * @param {Place} [place]
 */
export function spoken(before, after, place) {
  if (before.session === after.session && before.why === after.why) {
    if (sign(before) !== sign(after)) return sign(after) ? `${sign(after)}.` : 'Nothing but numbers is kept any more.';
    if (before.mic === after.mic || after.session !== 'live') return '';
    if (after.mic === 'muted') return 'Microphone muted.';
    return before.mic === 'muted' ? 'Microphone on.' : '';
  }
  const again = before.session === 'reconnecting';
  if (after.session === 'live') return again ? 'Connected again. Sophia is listening.' : 'Connected. Sophia is listening.';
  if (after.session === 'watching') return 'Watching a conversation with Sophia.';
  if (after.session === 'idle') return 'The conversation has ended.';
  const told = view(after, place);
  return `${told.says} ${told.todo}`.trim();
}
