// @ts-check
// A scripted conversation instead of a server: the same kinds of event, at exact times. Deterministic; a mock.

const SYLLABLE = /[aeiouy]+/gi;

/** @typedef {{text: string, start: number, end: number}} Word  seconds */

/** Words with start and end, as a synthesiser would report them. @param {string} text @param {number} at @param {number} [speed] @returns {Word[]} */
export function say(text, at, speed = 1) {
  let t = at;
  return text.split(/\s+/).map((word, index) => {
    const letters = word.replace(/[^a-z]/gi, '');
    const mute = /e$/i.test(letters) && letters.length > 3 ? 1 : 0;
    const syllables = Math.max(1, (letters.match(SYLLABLE) ?? []).length - mute);
    const start = t;
    const end = t + (0.07 + 0.125 * syllables + 0.012 * letters.length) / speed;
    t = end + (/[.!?]$/.test(word) ? 0.34 : /[,:;]$/.test(word) ? 0.2 : 0.025) / speed;
    return { text: index ? ` ${word}` : word, start, end };
  });
}

/** A number in 0..1 that is always the same for `n`. @param {number} n */
export const noise = n => {
  const x = Math.sin(n * 127.1 + 11.7) * 43758.5453;
  return x - Math.floor(x);
};

/** How loud `words` are at `t`, 0..1: one hump a syllable. @param {Word[]} words @param {number} t */
export function level(words, t) {
  const word = words.find(one => t >= one.start && t < one.end);
  if (!word) return 0;
  const count = Math.max(1, (word.text.match(SYLLABLE) ?? []).length);
  const at = ((t - word.start) / (word.end - word.start)) * count;
  const loud = 0.62 + 0.38 * noise(word.start * 31 + Math.floor(at));
  const hump = Math.sin(Math.PI * (at - Math.floor(at))) ** 0.6;
  return loud * (0.16 + 0.84 * hump) * (0.5 + 0.5 * noise(Math.floor(t * 50)));
}

const CHAIN = ['captured', 'transcript', 'started', 'first_token', 'first_word', 'first_clause', 'first_audio', 'released', 'played'];
const NAMES = ['capture', 'asr', 'endpointing', 'llm', 'tools', 'clause', 'tts', 'hold', 'playout'];

/** 32 hexadecimal digits. @param {number} n */
const trace = n => Array.from({ length: 32 }, (_, i) => Math.floor(noise(n * 7 + i) * 16).toString(16)).join('');

/**
 * @typedef {object} Line
 * @property {number} gap     seconds of silence before
 * @property {string} you
 * @property {string[]} her   clause by clause
 * @property {number[]} parts ms of the nine contributions
 * @property {[number, string, string][]} why  ms after the user's last sound, decision, reason
 * @property {number} [nod]   seconds into her reply at which the user says mhm
 * @property {number} [cut]   seconds into her reply at which a voice stops her
 * @property {boolean} [over] this one is that voice
 * @property {[number, number]} [guess]  ms before the last sound at which a reply was tried, and dropped
 */

/** @type {Line[]} */
const LINES = [
  {
    gap: 1.0, you: 'Hello Sophia, who are you?', her: ['I’m Sophia.', 'You talk, I listen,', 'and I answer out loud with a face.'],
    parts: [12, 214, 0, 96, 0, 44, 71, 58, 9],
    why: [[226, 'start', 'the recogniser’s stable partial'], [495, 'commit', 'silent for 0.28 s, complete: a whole sentence that begins with “who”']],
  },
  {
    gap: 1.2, you: 'What is seventeen times twenty-three?', her: ['That’s three hundred and ninety-one.'],
    parts: [9, 231, 0, 88, 30, 31, 66, 11, 11], guess: [-700, -260],
    why: [[240, 'start', 'the recogniser’s stable partial'], [466, 'commit', 'silent for 0.28 s, complete: a question']],
  },
  {
    gap: 1.1, you: 'Tell me a story.', nod: 3.3, cut: 6.35,
    her: [
      'Gladly.', 'Once there was a lighthouse on a rock so small that only one person could live there.',
      'Every night she counted the ships,', 'and every morning she wrote their names on the wall.',
    ],
    parts: [14, 203, 0, 104, 0, 22, 69, 77, 10],
    why: [[217, 'start', 'the recogniser’s stable partial'], [489, 'commit', 'silent for 0.28 s, complete: an order']],
  },
  {
    gap: 0, over: true, you: 'Wait, what was her name?', her: ['She never told anyone.', 'I call her Maren.'],
    parts: [11, 244, 0, 91, 0, 36, 73, 12, 8],
    why: [[255, 'start', 'the recogniser’s stable partial'], [460, 'commit', 'silent for 0.28 s, complete: a question']],
  },
  {
    gap: 1.3, you: 'How long would I walk for twelve miles, if I, um', her: ['About nineteen kilometres.', 'At an easy pace, four hours.'],
    parts: [13, 262, 605, 118, 0, 47, 74, 0, 12], guess: [275, 430],
    why: [[880, 'start', 'the recogniser’s last word'], [880, 'commit', 'silent for 0.87 s, nothing more came']],
  },
];

/** @typedef {{t: number, type: string, [more: string]: any}} Timed  t in seconds */

/**
 * A ledger as `sophia.turn.ledger` has it.
 * @param {{number: number, zero: number, parts: number[], why: [number, string, string][], you: string, heard: string, outcome: string}} turn
 */
export function ledger({ number, zero, parts, why, you, heard, outcome }) {
  const contributions = Object.fromEntries(NAMES.map((name, index) => [name, parts[index]]));
  return {
    turn: number, user: you, heard, outcome, contributions, zero_at_ms: zero, marks: {},
    voice_to_voice_ms: parts.reduce((sum, one) => sum + one, 0),
    decisions: why.map(([at, decision, reason]) => ({ at_ms: zero + at, decision, reason })),
    lip_skew_ms: Math.round(-6 + 14 * noise(number)), face_missing: 0, trace_id: trace(number),
  };
}

/** The decisions of a speculation that came to nothing. @param {[number, number]} span @returns {[number, string, string][]} */
const guessed = ([from, to]) => [
  [from, 'start', 'the recogniser’s stable partial'], [to, 'drop', to < 0 ? 'the user went on' : 'unfinished: it ends with “um”'],
];

/** One turn of the script. Fills `put` and the voices; gives when the next may begin. */
class Scribe {
  constructor() {
    /** @type {Timed[]} */
    this.events = [];
    /** @type {{you: Word[], her: Word[]}} */
    this.voices = { you: [], her: [] };
    /** @type {[number, number, number][]} spans in which her voice is lowered: from, to, gain */
    this.quiet = [];
    /** @type {{item: string, from: number, to: number, at: number}[]} spans of sound: `at` is the item's second at `from` */
    this.played = [];
    this.generation = 0;
    this.cutAt = 0;
  }

  /** @param {number} t @param {string} type @param {object} [more] */
  put(t, type, more = {}) {
    this.events.push({ t, type, ...more });
  }

  /** What the user says, and when its last sound is. @param {Line} line @param {number} number @param {number} begins */
  listen(line, number, begins) {
    const words = say(line.you, begins, 1.05);
    const end = words[words.length - 1].end;
    if (!line.over) this.put(begins + 0.08, 'hearing');
    this.put(begins + (line.over ? 0.56 : 0.08), 'turn', { turn: number, over: !!line.over });
    words.forEach((word, index) => {
      const text = words.slice(0, index + 1).map(one => one.text).join('');
      const sure = words.slice(0, Math.max(0, index - 1)).map(one => one.text).join('').length;
      const known = end + (line.parts[0] + line.parts[1]) / 1000;
      this.put(Math.min(word.end + 0.24, known), 'partial', { turn: number, text, sure });
    });
    if (line.guess) this.guess(line.guess, number, end);
    this.put(end + 0.1, 'mark', { turn: number, generation: 0, name: 'voice_end', at: 1000 * end });
    this.put(end + 0.1, 'mark', { turn: number, generation: 0, name: 'captured', at: 1000 * end + line.parts[0] });
    this.put(end + 0.12, 'thinking');
    this.put(end + (line.parts[0] + line.parts[1]) / 1000, 'final', { turn: number, text: line.you });
    this.voices.you.push(...words);
    return end;
  }

  /** A speculation that comes to nothing. @param {[number, number]} span @param {number} turn @param {number} end */
  guess([from, to], turn, end) {
    const generation = ++this.generation;
    const mark = (/** @type {string} */ name, /** @type {number} */ ms) =>
      this.put(end + ms / 1000, 'mark', { turn, generation, name, at: 1000 * end + ms });
    for (const [ms, what, reason] of guessed([from, to])) {
      this.put(end + ms / 1000, 'decision', { turn, generation, what, reason, at: 1000 * end + ms });
    }
    mark('transcript', from);
    mark('started', from);
    mark('first_token', from + 90);
    mark('first_clause', from + 130);
  }

  /** Marks and decisions of the reply. @param {Line} line @param {number} turn @param {number} end @returns {number} when she is heard */
  think(line, turn, end) {
    const generation = ++this.generation;
    for (const [ms, what, reason] of line.why) {
      this.put(end + ms / 1000, 'decision', { turn, generation, what, reason, at: 1000 * end + ms });
    }
    let sum = 0;
    CHAIN.forEach((name, index) => {
      sum += line.parts[index];
      if (name !== 'captured') this.put(end + sum / 1000, 'mark', { turn, generation, name, at: 1000 * end + sum });
    });
    return end + sum / 1000;
  }

  /** Her words, each clause a little after the one before. @param {Line} line @param {number} turn @param {number} heard @returns {Word[]} in the item's seconds */
  speak(line, turn, heard) {
    const item = `item_${turn}`;
    const words = say(line.her.join(' '), 0);
    let first = 0;
    line.her.forEach((clause, index) => {
      const count = clause.split(/\s+/).length;
      const at = index ? heard - 0.1 + 0.55 * index : heard - 0.1;
      this.put(at, 'reply', { item, turn, words: words.slice(first, first + count) });
      first += count;
    });
    this.put(heard, 'speaking');
    return words;
  }
}

/** Every event of one round, sorted by time; how long it is; what sounds when. */
export function script() {
  const scribe = new Scribe();
  let t = 0;
  LINES.forEach((line, index) => {
    const number = index + 1;
    const begins = line.over ? scribe.cutAt : t + line.gap;
    const end = scribe.listen(line, number, begins);
    const heard = scribe.think(line, number, end);
    const words = scribe.speak(line, number, heard);
    t = perform(scribe, line, number, { end, heard, words });
  });
  scribe.events.sort((a, b) => a.t - b.t);
  const { events, voices, quiet, played } = scribe;
  const gain = (/** @type {number} */ at) => quiet.reduce((now, [from, to, low]) => (at >= from && at < to ? low : now), 1);
  return {
    events, length: t + 2.4, voices, gain, played,
    you: (/** @type {number} */ at) => level(voices.you, at),
    her: (/** @type {number} */ at) => level(voices.her, at) * gain(at),
  };
}

/**
 * Her sound as it is played: to its end, with a pause for a nod, or cut off. Gives when the next turn may begin.
 * @param {Scribe} scribe @param {Line} line @param {number} number
 * @param {{end: number, heard: number, words: Word[]}} times
 */
function perform(scribe, line, number, { end, heard, words }) {
  const item = `item_${number}`;
  const length = words[words.length - 1].end;
  let from = heard;
  let position = 0;
  if (line.nod) {                            // “mhm”: lowered, paused, and on she goes
    const at = heard + line.nod;
    const pause = at + 0.13;
    const back = at + 0.74;
    scribe.voices.you.push(...say('Mhm.', at));
    scribe.quiet.push([at + 0.08, pause, 0.25]);
    scribe.put(at + 0.08, 'ducked');
    scribe.put(pause, 'paused');
    scribe.put(back, 'speaking');
    scribe.played.push({ item, from, to: pause, at: position });
    position += pause - from;
    from = back;
  }
  if (line.cut) {                            // a voice over hers that has words: she stops
    scribe.cutAt = heard + line.cut;
    const stopped = scribe.cutAt + 0.13;
    scribe.quiet.push([scribe.cutAt + 0.08, stopped, 0.25]);
    scribe.put(scribe.cutAt + 0.08, 'ducked');
    scribe.put(stopped, 'paused');
    scribe.put(scribe.cutAt + 0.52, 'interrupted');
    scribe.put(scribe.cutAt + 0.52, 'cut', { item, at: position + stopped - from });
    scribe.put(scribe.cutAt + 1.1, 'hearing');
    scribe.played.push({ item, from, to: stopped, at: position });
  } else scribe.played.push({ item, from, to: from + length - position, at: position });
  const spans = scribe.played.filter(one => one.item === item);
  for (const word of words) {
    const span = spans.find(one => word.start >= one.at && word.start < one.at + one.to - one.from);
    if (!span) continue;
    const start = span.from + word.start - span.at;
    scribe.voices.her.push({ text: word.text, start, end: Math.min(span.to, start + word.end - word.start) });
  }
  const last = spans[spans.length - 1];
  const over = line.cut ? scribe.cutAt + 0.62 : last.to + 0.15;
  if (!line.cut) scribe.put(over, 'listening');
  const heardText = words.filter(word => word.start < last.at + last.to - last.from).map(word => word.text).join('').trim();
  const outcome = line.cut ? 'interrupted' : 'replied';
  const why = [...(line.guess ? guessed(line.guess) : []), ...line.why];
  const told = ledger({ number, zero: 1000 * end, parts: line.parts, why, you: line.you, heard: heardText, outcome });
  scribe.put(over, 'done', { ledger: told });
  return line.cut ? last.to : over;
}

const EARLIER = [
  ['What time is it?', 'It’s eleven twenty-six.'], ['What is ten miles in kilometres?', 'That’s about sixteen point one.'],
  ['What did I just say?', 'You said: ten miles in kilometres.'], ['Who made you?', 'People who like short silences.'],
  ['Can you hear me well?', 'Loud and clear.'], ['Count to five.', 'One, two, three, four, five.'],
];

/** Turns from before, so that median and p95 mean something: what to tell, and both voices. @param {number} count */
export function earlier(count) {
  return Array.from({ length: count }, (_, index) => {
    const r = (/** @type {number} */ k) => noise(index * 13 + k);
    const parts = [8 + 9 * r(1), 190 + 90 * r(2), 0, 80 + 70 * r(3), r(9) > 0.6 ? 20 + 60 * r(10) : 0, 20 + 50 * r(4), 60 + 40 * r(5), r(6) > 0.4 ? 20 + 70 * r(7) : 0, 7 + 6 * r(8)].map(Math.round);
    const [you, her] = EARLIER[index % EARLIER.length];
    const number = index + 1;
    const yours = say(you, 0);
    const end = yours[yours.length - 1].end;
    const sum = parts.reduce((all, one) => all + one, 0) / 1000;
    const zero = 1000 * end - 1e6 + 2e4 * index;
    const hers = say(her, end + sum);
    const voices = Array.from({ length: 180 }, (_, k) => {
      const t = end - 0.5 + 0.02 * k;
      return { at: zero + 1000 * (t - end), you: level(yours, t), her: level(hers, t) };
    });
    const why = /** @type {[number, string, string][]} */ ([
      [parts[0] + parts[1], 'start', 'the recogniser’s stable partial'], [495, 'commit', 'silent for 0.28 s, complete: a question'],
    ]);
    return {
      voices, reply: { item: `earlier_${number}`, turn: number, words: say(her, 0) },
      ledger: ledger({ number, zero, parts, why, you, heard: her, outcome: 'replied' }),
    };
  });
}
