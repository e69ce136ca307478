// The state machine, and what the page says in each of its states.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { START, TABLE, next, reachable, talking } from '../../../../aurora/web/src/ui/machine.js';
import { KEEP, notices, sign, spoken, view } from '../../../../aurora/web/src/ui/sentences.js';
import { random } from './random.mjs';

const EVENTS = [...new Set(Object.values(TABLE).flatMap(region => Object.values(region).flatMap(Object.keys)))];
const WHY = ['denied', 'nomic', 'busy', 'gone', 'moved', 'key', 'nopage', 'refused'];
const walk = (...types) => types.reduce((state, type) => next(state, typeof type === 'string' ? { type } : type), START);

test('every state can be reached, and every event leads to a state of the table', () => {
  for (const [region, states] of Object.entries(TABLE)) {
    assert.deepEqual([...reachable(region)].sort(), Object.keys(states).sort(), region);
  }
});

test('100,000 random events stay in the table, and each state has its words', () => {
  const chance = random(7);
  let state = { ...START };
  for (let i = 0; i < 1e5; i++) {
    state = next(state, { type: EVENTS[Math.floor(chance() * EVENTS.length)] });
    for (const region in TABLE) assert.ok(state[region] in TABLE[region], `${region}: ${state[region]}`);
    if (!talking(state)) assert.equal(state.floor, 'listening');
    if (state.session !== 'failed') assert.equal(state.why, null);
    const told = view(state, { host: 'spark-1', watch: i % 2 > 0 });
    assert.ok(told.word && told.action.label && told.tone, state.session);
  }
});

test('a state is left alone by what it does not know', () => {
  assert.deepEqual(next(START, { type: 'nonsense' }), START);
  assert.ok(Object.isFrozen(START));
});

test('from everywhere one press of the main button leads on', () => {
  for (const session in TABLE.session) {
    const states = session === 'failed' ? WHY.map(why => ({ ...START, session, why })) : [{ ...START, session }];
    for (const state of states) {
      const { event } = view(state).action;
      if (event === 'reload' || event === 'secure') continue;
      assert.notEqual(next(state, { type: event }).session, session, `${session} ${state.why}`);
    }
  }
});

test('whatever goes wrong is one sentence of it and one of what to do, both short', () => {
  const states = [
    ...WHY.map(why => ({ ...START, session: 'failed', why })),
    walk('talk', 'granted', { type: 'full', places: 8, retry: { in: 4 } }),
    walk('insecure'),
    walk('talk', 'granted', 'open', { type: 'lost', retry: { in: 3, attempt: 1, of: 6 } }),
  ];
  for (const state of states) {
    const told = view(state, { host: 'spark-1', secure: 'https://spark-1:8765' });
    assert.equal(told.tone, 'bad');
    assert.match(told.says, /^[A-Z][^.!?]*\.$/);
    assert.match(told.todo, /^[A-Z].*\.$/);
    assert.ok((told.says + told.todo).length < 140, told.says + told.todo);
    assert.ok(told.word.length <= 16, told.word);
    assert.ok(spoken(START, state, {}), told.word);
  }
});

test('a reconnecting session comes back as what it was', () => {
  assert.equal(walk('talk', 'granted', 'open', 'lost', 'open').session, 'live');
  assert.equal(walk('watch', 'open', 'lost', 'open').session, 'watching');
  assert.equal(walk('type', 'open').session, 'live');
  assert.equal(walk('type', 'open').mic, 'off');
  assert.equal(walk('watch', 'open', 'gone').why, 'gone');
  assert.equal(view(walk('watch', 'open', 'gone')).action.event, 'watch');
  assert.equal(view(walk('type', 'open', 'moved')).action.event, 'type');
});

test('a wait is told in whole seconds, and forgotten when it is over', () => {
  const lost = walk('talk', 'granted', 'open', { type: 'lost', retry: { in: 2.2, attempt: 2, of: 6 } });
  assert.match(view(lost).todo, /in 3 s, 2 of 6/);
  assert.equal(next(lost, { type: 'open' }).retry, null);
  assert.match(view(walk('talk', 'granted', { type: 'full', places: 8, retry: { in: 4 } })).says, /All 8 places/);
});

test('notices stand beside a conversation, the most urgent first', () => {
  const trouble = walk('talk', 'granted', 'open', 'blocked', 'mute', { type: 'service', service: 'llm', state: 'failed' });
  assert.deepEqual(notices(trouble).map(one => one.id), ['sound', 'muted', 'service']);
  assert.deepEqual(notices(next(trouble, { type: 'service', service: 'llm', state: 'back' })).map(one => one.id), ['sound', 'muted']);
  assert.match(notices(walk('watch', 'open'))[0].text, /watching/i);
  assert.deepEqual(notices(walk('noface')), [], 'who wanted no face is not told that there is none');
});

test('what a server says of a refusal is shown as a sentence, unless it is too much', () => {
  const refused = message => view(walk('watch', { type: 'refused', message })).says;
  assert.equal(refused('there is nothing to watch'), 'There is nothing to watch.');
  assert.match(refused('x'.repeat(500)), /^The server refused/);
});

test('what a service says of itself is told in its words, else in ours', () => {
  const told = more => notices(next(walk('talk', 'granted', 'open'), { type: 'service', service: 'face', state: 'failed', ...more })).at(-1).text;
  assert.equal(told({ message: 'the face had no frame', hint: '' }), 'The face had no frame.');
  assert.match(told({}), /^The face service stopped/);
  assert.match(told({ message: 'x'.repeat(400) }), /^The face service stopped/);
});

test('a screen reader is told of the session and the microphone, not of the floor', () => {
  const live = walk('talk', 'granted', 'open');
  assert.equal(spoken(live, next(live, { type: 'hearing' }), {}), '');
  assert.equal(spoken(live, next(live, { type: 'mute' }), {}), 'Microphone muted.');
  assert.match(spoken(walk('talk', 'granted'), live, {}), /^Connected/);
});

test('while more than numbers is kept a sign says so, and it goes with the conversation', () => {
  const kept = (consent, recording) => ({ type: 'kept', consent, recording });
  const live = walk('talk', 'granted', 'open');
  assert.equal(sign(live), '');
  assert.equal(sign(next(live, kept('words', false))), 'Words are kept');
  const recorded = next(live, kept('sound', true));
  assert.equal(sign(recorded), 'Recording');
  assert.equal(spoken(live, recorded, {}), 'Recording.');
  assert.equal(spoken(recorded, next(recorded, kept('numbers', false)), {}), 'Nothing but numbers is kept any more.');
  for (const over of ['lost', 'end', 'moved']) assert.equal(sign(next(recorded, { type: over })), '', over);
  assert.equal(sign(next(START, kept('sound', true))), '', 'nobody talks yet');
  assert.deepEqual(Object.keys(KEEP), ['numbers', 'words', 'sound']);
});
