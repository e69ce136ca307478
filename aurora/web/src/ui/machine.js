// @ts-check
// What the page is doing, as five small machines side by side. Pure: no DOM, no clock, no I/O.
//
// Every region is told every event; a region that has no entry for it stays where it is.
//   session  from the first click to the last word
//   floor    who speaks; the server decides, the page only shows it
//   mic      what the microphone gives; "off" also while somebody only types
//   sound    whether the browser lets sound out
//   face     what stands on the stage

/** @type {Record<string, Record<string, Record<string, string>>>} region → state → event → next state */
export const TABLE = {
  session: {
    idle: { talk: 'permission', type: 'connecting', watch: 'connecting', insecure: 'insecure', key: 'failed', nopage: 'failed' },
    permission: { granted: 'connecting', denied: 'failed', nomic: 'failed', busy: 'failed', end: 'idle' },
    connecting: {
      open: 'live', seen: 'watching', full: 'full', lost: 'reconnecting', gone: 'failed', key: 'failed', end: 'idle',
      denied: 'failed', nomic: 'failed', busy: 'failed', refused: 'failed', moved: 'failed', over: 'idle',
    },
    live: { lost: 'reconnecting', gone: 'failed', moved: 'failed', key: 'failed', refused: 'failed', end: 'idle' },
    watching: {
      lost: 'reconnecting', gone: 'failed', key: 'failed', refused: 'failed', talk: 'permission', insecure: 'insecure',
      over: 'idle', end: 'idle',
    },
    reconnecting: {
      open: 'live', seen: 'watching', full: 'full', gone: 'failed', moved: 'failed', key: 'failed', refused: 'failed',
      again: 'connecting', over: 'idle', end: 'idle',
    },
    full: { open: 'live', seen: 'watching', again: 'connecting', lost: 'reconnecting', gone: 'failed', refused: 'failed', over: 'idle', end: 'idle' },
    failed: { talk: 'permission', type: 'connecting', watch: 'connecting', insecure: 'insecure', end: 'idle' },
    insecure: { watch: 'connecting' },
  },
  floor: {
    listening: { hearing: 'hearing', thinking: 'thinking', speaking: 'speaking' },
    hearing: { listening: 'listening', thinking: 'thinking', speaking: 'speaking' },
    thinking: { hearing: 'hearing', speaking: 'speaking', listening: 'listening' },
    speaking: {
      ducked: 'ducked', paused: 'paused', interrupted: 'interrupted', listening: 'listening', hearing: 'hearing',
      thinking: 'thinking',
    },
    ducked: { speaking: 'speaking', paused: 'paused', interrupted: 'interrupted', listening: 'listening', hearing: 'hearing' },
    paused: { speaking: 'speaking', interrupted: 'interrupted', listening: 'listening', hearing: 'hearing' },
    interrupted: { hearing: 'hearing', thinking: 'thinking', listening: 'listening', speaking: 'speaking' },
  },
  mic: {
    off: { granted: 'on' },
    on: { mute: 'muted', unplugged: 'lost', silent: 'silent', end: 'off', denied: 'off', watch: 'off' },
    silent: { heard: 'on', mute: 'muted', unplugged: 'lost', end: 'off', watch: 'off' },
    muted: { unmute: 'on', unplugged: 'lost', end: 'off', watch: 'off' },
    lost: { plugged: 'on', granted: 'on', end: 'off', watch: 'off' },
  },
  sound: {
    on: { blocked: 'blocked' },
    blocked: { allowed: 'on', end: 'on' },
  },
  face: {
    loading: { ready: 'shown', broken: 'broken', flat: 'flat', noface: 'none' },
    shown: { broken: 'broken', flat: 'flat', noface: 'none', slow: 'slow', load: 'loading' },
    slow: { insist: 'shown', flat: 'flat', noface: 'none', load: 'loading' },
    broken: { load: 'loading', noface: 'none' },
    flat: { load: 'loading', noface: 'none' },
    none: { load: 'loading' },
  },
};

/**
 * @typedef {{in: number, attempt?: number, of?: number}} Retry  seconds until the next try
 * @typedef {{service: string, over: boolean, message?: string, hint?: string}} Trouble  what a service had;
 *   `over`: it failed in this turn, and is not tried again
 * @typedef {{consent: string, recording: boolean}} Kept  numbers, words or sound; whether sound is being recorded
 * @typedef {object} State
 * @property {string} session
 * @property {string} floor
 * @property {string} mic
 * @property {string} sound
 * @property {string} face
 * @property {'talk'|'type'|'watch'} use  what the session is for, also while it reconnects
 * @property {string|null} why     the event that ended a session badly
 * @property {string|null} said    what the server said of it
 * @property {number} loaded       share of the head that has arrived, 0..1
 * @property {Retry|null} retry    while reconnecting or waiting for a place
 * @property {number|null} places  how many places there are, when all are taken
 * @property {Trouble|null} trouble
 * @property {Kept} kept           what the server keeps of the conversation
 */

/** @type {Readonly<Kept>} */
const NOTHING = Object.freeze({ consent: 'numbers', recording: false });

/** @type {Readonly<State>} */
export const START = Object.freeze({
  session: 'idle', floor: 'listening', mic: 'off', sound: 'on', face: 'loading',
  use: /** @type {const} */ ('talk'), why: null, said: null, loaded: 0, retry: null, places: null, trouble: null,
  kept: NOTHING,
});

/** Whether a conversation is on the page, one's own or one that is watched. @param {State} state */
export const talking = state => state.session === 'live' || state.session === 'watching';

/**
 * The state after `event`, which is an object with a `type` and what belongs to it. The old state is left alone.
 * @param {Readonly<State>} state
 * @param {{type: string, [more: string]: any}} event
 * @returns {State}
 */
export function next(state, event) {
  const after = { ...state };
  if (event.type === 'talk' || event.type === 'type' || event.type === 'watch') after.use = event.type;
  const type = event.type === 'open' && after.use === 'watch' ? 'seen' : event.type;
  const regions = /** @type {Record<string, any>} */ (after);
  for (const region in TABLE) regions[region] = TABLE[region][regions[region]]?.[type] ?? regions[region];

  const moved = after.session !== state.session;
  if (!talking(after)) after.floor = 'listening';
  if (moved && after.session !== 'failed') after.why = after.said = null;
  if (moved && after.session === 'failed') {
    after.why = type;
    after.said = event.message ?? null;
  }
  if (moved && after.session !== 'full') after.places = null;
  if (moved && after.session !== 'reconnecting' && after.session !== 'full') after.retry = null;
  if (after.session === 'full' && type === 'full') after.places = event.places ?? null;
  if ((after.session === 'full' || after.session === 'reconnecting') && ['lost', 'full', 'wait'].includes(type)) {
    after.retry = event.retry ?? null;
  }
  if (type === 'load') after.loaded = 0;
  if (type === 'progress') after.loaded = event.share;
  if (type === 'service' || type === 'notice') {
    const { service = '', state: how = 'failed', message, hint } = event;
    after.trouble = how === 'back' ? null : { service, over: how === 'failed', message, hint };
  }
  if (type === 'speaking' || type === 'end') after.trouble = null;
  if (type === 'kept') after.kept = { consent: event.consent, recording: event.recording };
  if (!talking(after)) after.kept = NOTHING;
  return after;
}

/** Each state of one region that can be reached from the start. @param {string} region */
export function reachable(region) {
  const seen = new Set([/** @type {any} */ (START)[region]]);
  for (const at of seen) for (const to of Object.values(TABLE[region][at])) seen.add(to);
  return seen;
}
