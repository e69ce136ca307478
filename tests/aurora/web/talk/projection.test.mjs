import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Projection } from '../../../../aurora/web/src/talk/projection.js';

const told = (...events) => {
  const projection = new Projection();
  return events.flatMap(event => projection.take(event));
};
const mark = (turn, name, at = 1) => ({ type: 'sophia.turn.mark', turn, generation: 1, mark: name, at_ms: at });

test('a turn begins with the first that is told of it, and once', () => {
  assert.deepEqual(told(mark(0, 'voice_start', 10), mark(0, 'captured', 20), mark(1, 'voice_start', 30)), [
    { type: 'turn', turn: 0, over: false, typed: false },
    { type: 'mark', turn: 0, generation: 1, name: 'voice_start', at: 10 },
    { type: 'mark', turn: 0, generation: 1, name: 'captured', at: 20 },
    { type: 'turn', turn: 1, over: false, typed: false },
    { type: 'mark', turn: 1, generation: 1, name: 'voice_start', at: 30 },
  ]);
});

test('a turn that begins while she speaks is one over hers', () => {
  const over = state => told({ type: 'sophia.floor', state }, mark(3, 'voice_start')).find(event => event.type === 'turn').over;
  for (const state of ['speaking', 'ducked', 'paused', 'interrupted']) assert.equal(over(state), true);
  for (const state of ['listening', 'hearing', 'thinking']) assert.equal(over(state), false);
});

test('the floor is told as it is, and nothing else is a floor', () => {
  assert.deepEqual(told({ type: 'sophia.floor', state: 'thinking' }, { type: 'sophia.floor', state: 'granted' }, { type: 'sophia.floor' }), [{ type: 'thinking' }]);
});

test('words of a reply belong to the turn of their response, in seconds', () => {
  const got = told(
    { type: 'response.created', response: { id: 'r' }, sophia: { turn: 4 } },
    mark(5, 'voice_start'),
    { type: 'response.output_item.added', response_id: 'r', item: { id: 'i' } },
    { type: 'sophia.words', item_id: 'i', words: [['Well', 0, 250], [' then', 250, 600.5]] },
  );
  assert.deepEqual(got.at(-1), { type: 'reply', item: 'i', turn: 4, words: [{ text: 'Well', start: 0, end: 0.25 }, { text: ' then', start: 0.25, end: 0.6005 }] });
});

test('where nobody tells whose they are, they are the newest turn’s', () => {
  assert.equal(told(mark(2, 'x'), { type: 'sophia.words', item_id: 'i', words: [['a', 0, 1]] }).at(-1).turn, 2);
});

test('what the user said so far, and in the end', () => {
  const got = told(
    { type: 'sophia.transcript', item_id: 'u', turn: 1, text: 'what is', sure: 4 },
    { type: 'conversation.item.input_audio_transcription.completed', item_id: 'u', transcript: 'What is it?' },
  );
  assert.deepEqual(got, [
    { type: 'turn', turn: 1, over: false, typed: false },
    { type: 'partial', turn: 1, text: 'what is', sure: 4 },
    { type: 'final', turn: 1, text: 'What is it?' },
  ]);
});

test('a typed text is the next turn’s words', () => {
  const projection = new Projection();
  projection.type('Hello.');
  assert.deepEqual(projection.take(mark(0, 'started')).slice(0, 2), [{ type: 'turn', turn: 0, over: false, typed: true }, { type: 'final', turn: 0, text: 'Hello.' }]);
  assert.equal(projection.take(mark(1, 'started'))[0].typed, false);
});

test('decisions, ledgers and notices pass with what the page needs', () => {
  const ledger = { type: 'sophia.turn.ledger', turn: 0, voice_to_voice_ms: 600 };
  const got = told(
    { type: 'sophia.turn.decision', turn: 0, generation: 2, decision: 'commit', reason: 'silent for 0.28 s', at_ms: 7 },
    ledger,
    { type: 'sophia.notice', service: 'llm', state: 'failed', message: 'No answer.', hint: 'Ask again.' },
    { type: 'sophia.notice', service: 'tts', state: 'skipped', message: 'A clause was left out.' },
    { type: 'sophia.notice', message: 'A word to all.' },
  );
  assert.deepEqual(got.slice(1), [
    { type: 'decision', turn: 0, generation: 2, what: 'commit', reason: 'silent for 0.28 s', at: 7 },
    { type: 'done', ledger },
    { type: 'service', service: 'llm', state: 'failed', message: 'No answer.', hint: 'Ask again.' },
    { type: 'notice', message: 'A clause was left out.' },
    { type: 'notice', message: 'A word to all.' },
  ]);
});

test('nonsense in any field drops the event, and breaks nothing', () => {
  const values = [undefined, null, -1, 1e999, 'x'.repeat(3000), [], {}, [[]], [['a', 'b', 'c']], true];
  const types = ['sophia.floor', 'sophia.turn.mark', 'sophia.turn.decision', 'sophia.turn.ledger', 'sophia.transcript', 'sophia.words', 'sophia.notice', 'sophia.recording',
    'conversation.item.input_audio_transcription.completed', 'response.created', 'response.output_item.added', 'never.heard.of'];
  const fields = ['state', 'turn', 'generation', 'mark', 'decision', 'reason', 'at_ms', 'text', 'sure', 'item_id', 'words', 'service', 'message', 'transcript', 'response', 'item', 'sophia'];
  const projection = new Projection();
  let seed = 7;
  const pick = list => list[(seed = (seed * 48271) % 2147483647) % list.length];
  for (let n = 0; n < 20_000; n++) {
    const event = { type: pick(types) };
    for (let k = 0; k < 6; k++) event[pick(fields)] = pick(values);
    for (const got of projection.take(event)) assert.equal(typeof got.type, 'string');
  }
  assert.ok(projection.turns.size <= 64);
});
