// The book of turns: live from instants, final from the ledger.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { script } from '../../../../aurora/web/dev/script.js';
import { total } from '../../../../aurora/web/src/ui/ledger.js';
import { Turns } from '../../../../aurora/web/src/ui/turns.js';
import { random } from './random.mjs';

const mark = (name, at, generation = 0, turn = 1) => ({ type: 'mark', turn, generation, name, at });
const decision = (what, at, generation = 0, turn = 1) => ({ type: 'decision', turn, generation, what, at, reason: 'because' });
function book(...events) {
  const turns = new Turns();
  for (const event of events) turns.tell(event);
  return turns;
}

test('tiles grow as instants come, and count from the last sound', () => {
  const turns = book({ type: 'turn', turn: 1 }, mark('voice_end', 1000), mark('captured', 1010));
  const { last } = turns;
  assert.equal(total(last.tiles(1150)), 150);
  assert.equal(last.tiles(1150)[1].open, true);
  turns.tell(decision('start', 1200, 1));
  turns.tell(mark('transcript', 1190, 1));
  turns.tell(mark('started', 1200, 1));
  assert.deepEqual(last.tiles(1240).map(tile => Math.round(tile.ms)), [10, 180, 10, 40, 0, 0, 0, 0, 0]);
  assert.equal(last.wait, null);
});

test('a dropped speculation takes its tiles back', () => {
  const turns = book(
    { type: 'turn', turn: 1 }, mark('voice_end', 1000), mark('captured', 1010),
    decision('start', 1100, 1), mark('transcript', 1090, 1), mark('started', 1100, 1), mark('first_token', 1180, 1),
  );
  const before = turns.last.tiles(1250);
  assert.equal(before[4].open, true);
  turns.tell(decision('drop', 1260, 1));
  const after = turns.last.tiles(1300);
  assert.deepEqual(after.map(tile => tile.open), [false, true, ...Array(7).fill(false)]);
  turns.tell(decision('start', 1400, 2));
  turns.tell(mark('started', 1400, 2));
  assert.equal(turns.last.tiles(1450)[3].open, true, 'the second attempt counts');
});

test('who goes on speaking has a later last sound', () => {
  const turns = book({ type: 'turn', turn: 1 }, mark('voice_end', 1000), mark('voice_end', 2000));
  assert.equal(turns.last.zero, 2000);
});

test('the ledger has the last word', () => {
  const turns = book({ type: 'turn', turn: 1 }, mark('voice_end', 1000), mark('played', 1500, 1), { type: 'partial', turn: 1, text: 'helo', sure: 0 });
  assert.equal(turns.last.wait, 500);
  const ledger = {
    turn: 1, user: 'hello', heard: '', outcome: 'interrupted', zero_at_ms: 990, voice_to_voice_ms: 520,
    contributions: { asr: 300, llm: 220 }, decisions: [{ at_ms: 1200, decision: 'commit', reason: 'a question' }, { at_ms: 1300, decision: 'duck', reason: '' }],
  };
  turns.tell({ type: 'done', ledger });
  const [turn] = turns.list;
  assert.equal(turn.wait, 520);
  assert.equal(turn.user, 'hello');
  assert.equal(turn.outcome, 'cut off');
  assert.equal(total(turn.tiles()), 520);
  assert.deepEqual(turn.decisions.map(one => one.what), ['commit']);
});

test('what was nothing does not stay in the list', () => {
  const turns = book(
    { type: 'turn', turn: 1 }, { type: 'done', ledger: { turn: 1, outcome: 'dropped', user: '' } },
    { type: 'turn', turn: 2 }, { type: 'final', turn: 2, text: 'and' }, { type: 'done', ledger: { turn: 2, outcome: 'joined', user: 'and' } },
    { type: 'turn', turn: 3, typed: true }, { type: 'final', turn: 3, text: 'hi' }, { type: 'done', ledger: { turn: 3, outcome: 'replied', user: 'hi' } },
  );
  assert.deepEqual(turns.list.map(turn => turn.number), [3]);
  assert.equal(turns.list[0].outcome, 'typed');
  assert.equal(turns.list[0].wait, null);
});

test('words and cuts find their reply, also when the next turn has begun', () => {
  const words = ['One,', ' two,', ' three.'].map((text, index) => ({ text, start: index, end: index + 0.9 }));
  const turns = book(
    { type: 'turn', turn: 1 }, { type: 'reply', item: 'a', turn: 1, words: words.slice(0, 2) }, { type: 'reply', item: 'a', turn: 1, words: words.slice(2) },
    { type: 'turn', turn: 2, over: true }, { type: 'cut', item: 'a', at: 1.2 },
  );
  assert.deepEqual(turns.replyOf('a').halves(), ['One, two,', 'three.']);
  assert.equal(turns.replyOf('b'), null);
});

test('a reply of which nothing was heard leaves no words', () => {
  const words = [{ text: 'Never', start: 0, end: 1 }];
  const turns = book({ type: 'turn', turn: 1 }, { type: 'reply', item: 'a', turn: 1, words }, { type: 'cut', item: 'a', at: 0 });
  assert.equal(turns.last.reply, null);
});

test('an instant that is noted again has moved', () => {
  const turns = book({ type: 'turn', turn: 1 }, mark('voice_end', 0), mark('played', 900, 1), mark('played', 700, 1));
  assert.equal(turns.last.wait, 700);
});

test('a long talk is bounded', () => {
  const turns = new Turns();
  for (let turn = 1; turn <= 500; turn++) {
    turns.tell({ type: 'turn', turn });
    if (turn % 3) turns.tell({ type: 'done', ledger: { turn, user: 'x', outcome: 'replied', voice_to_voice_ms: 5, contributions: {} } });
  }
  assert.equal(turns.list.length, 200);
  assert.ok(turns.open.size <= 9);
});

test('events in any order and of any turn do not break it', () => {
  const chance = random(11);
  const turns = new Turns();
  const kinds = [
    n => ({ type: 'turn', turn: n }), n => mark('voice_end', 1e5 * chance(), 0, n), n => mark('played', 1e5 * chance(), 1, n),
    n => decision('start', 5, 2, n), n => decision('drop', 6, 1, n), n => ({ type: 'partial', turn: n, text: 'a b', sure: 9 * chance() }),
    n => ({ type: 'reply', turn: n, item: `i${n}`, words: [{ text: ' a', start: chance(), end: 1 }] }), n => ({ type: 'cut', item: `i${n}`, at: chance() }),
    n => ({ type: 'done', ledger: { turn: n, outcome: 'replied' } }),
  ];
  for (let i = 0; i < 20_000; i++) {
    const turn = turns.tell(kinds[Math.floor(chance() * kinds.length)](1 + Math.floor(chance() * 30)));
    for (const tile of turn?.tiles(1e5 * chance()) ?? []) assert.ok(tile.ms >= 0);
  }
});

test('the mock’s script, told event by event, ends in its own ledgers', () => {
  const { events } = script();
  const turns = new Turns();
  for (const event of events) {
    const turn = turns.tell(event);
    if (!turn || turn.ledger || turn.zero === null) continue;
    const now = Math.max(turn.zero, 1000 * event.t);
    if (!turn.heard) assert.ok(Math.abs(total(turn.tiles(now)) - (now - turn.zero)) < 1e-6, `${event.type} ${event.t}`);
  }
  assert.equal(turns.list.length, 5);
  for (const turn of turns.list) {
    const live = turn.attempts.get([...turn.attempts.keys()].filter(one => !turn.dropped.has(one)).at(-1));
    assert.ok(Math.abs(live.played - turn.own.voice_end - turn.wait) < 1e-6, 'instants and ledger agree');
  }
});
