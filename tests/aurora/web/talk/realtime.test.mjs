import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { BACKLOG, RealtimeSocket } from '../../../../aurora/web/src/talk/realtime.js';
import { FakeSocket } from './socket.mjs';

let now, told, events;
const make = (more = {}) => new RealtimeSocket({
  url: 'wss://spark-1/v1/realtime', key: null, session: { type: 'realtime' }, Socket: FakeSocket, now: () => now,
  event: event => events.push(event), told: (state, detail) => told.push([state, detail]), ...more,
});
const pass = seconds => { for (let n = 0; n < seconds * 10; n++) { now += 0.1; mock.timers.tick(100); } };
const states = () => told.map(([state]) => state);

beforeEach(() => {
  [now, told, events] = [100, [], []];
  FakeSocket.begin();
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
});

test('it greets with the key as a subprotocol, asks once, and is open when the server has answered', () => {
  const socket = make({ key: 'abc' });
  socket.connect();
  assert.deepEqual(FakeSocket.last.protocols, ['realtime', 'openai-insecure-api-key.abc']);
  FakeSocket.last.says({ type: 'session.created' });
  assert.deepEqual(FakeSocket.last.sent, [{ type: 'session.update', session: { type: 'realtime' } }]);
  assert.deepEqual([socket.open, socket.send({ type: 'x' }), states()], [false, false, []]);
  FakeSocket.last.says({ type: 'session.updated', session: {} });
  FakeSocket.last.says({ type: 'session.updated', session: {} });
  assert.deepEqual([socket.open, states()], [true, ['open']]);
});

test('what the server gave to go on with is shown at the next one, until that refuses it', () => {
  make({ session: { type: 'realtime', sophia: { lead_ms: 100 } } }).connect();
  FakeSocket.last.greets();
  for (const token of ['resume_1', 'resume_2']) FakeSocket.last.says({ type: 'sophia.resume.token', token });
  FakeSocket.last.drops();
  pass(3);
  FakeSocket.last.says({ type: 'session.created' });
  assert.deepEqual(FakeSocket.last.sent[0].session, { type: 'realtime', sophia: { lead_ms: 100, resume: 'resume_2' } });
  FakeSocket.last.says({ type: 'error', error: { code: 'resume_expired', message: 'Too long ago.' } });
  FakeSocket.last.drops();
  pass(5);
  FakeSocket.last.says({ type: 'session.created' });
  assert.deepEqual(FakeSocket.last.sent[0].session.sophia, { lead_ms: 100 });
});

test('a key that no header could hold is a wrong key', () => {
  FakeSocket.refuse = true;
  make({ key: 'with blank' }).connect();
  assert.deepEqual(states(), ['key']);
});

test('the microphone goes out as base64, and is dropped and counted where too much waits', () => {
  const socket = make();
  socket.connect();
  socket.append(new Int16Array(320));
  FakeSocket.last.greets();
  socket.append(Int16Array.of(1, -2));
  assert.deepEqual(FakeSocket.last.sent.at(-1), { type: 'input_audio_buffer.append', audio: 'AQD+/w==' });
  FakeSocket.last.bufferedAmount = BACKLOG + 1;
  const before = FakeSocket.last.sent.length;
  socket.append(Int16Array.of(3));
  assert.deepEqual([FakeSocket.last.sent.length, socket.dropped], [before, 1]);
});

test('a connection that broke is tried again six times, each time later, and then given up', () => {
  make().connect();
  FakeSocket.last.greets();
  FakeSocket.last.drops();
  const waits = [];
  for (let n = 1; n <= 6; n++) {
    const [state, { retry }] = told.at(-1);
    assert.deepEqual([state, retry.attempt, retry.of], ['lost', n, 6]);
    waits.push(retry.in);
    assert.equal(FakeSocket.all.length, n);
    pass(retry.in + 0.2);
    assert.equal(FakeSocket.all.length, n + 1);
    FakeSocket.last.drops();
  }
  assert.equal(waits[0], 2);
  assert.ok(waits.every((wait, n) => !n || wait > waits[n - 1]));
  assert.equal(told.at(-1)[0], 'gone');
  pass(60);
  assert.equal(FakeSocket.all.length, 7);
});

test('a server that takes the page back and drops it at once uses up the tries; one that kept it does not', () => {
  make().connect();
  FakeSocket.last.greets();
  for (let n = 0; n < 3; n++) {
    FakeSocket.last.drops();
    pass(told.at(-1)[1].retry.in + 0.2);
    FakeSocket.last.greets();
  }
  FakeSocket.last.drops();
  assert.equal(told.at(-1)[1].retry.attempt, 4);
  pass(told.at(-1)[1].retry.in + 0.2);
  FakeSocket.last.greets();
  for (let n = 0; n < 12; n++) {
    pass(1);
    FakeSocket.last.says({ type: 'sophia.levels' });
  }
  FakeSocket.last.drops();
  assert.equal(told.at(-1)[1].retry.attempt, 1);
});

test('a conversation that was watched and is over is neither lost nor asked for again', () => {
  make().connect();
  FakeSocket.last.greets();
  FakeSocket.last.refuses('conversation_over', 1000);
  pass(60);
  make().connect();
  FakeSocket.last.refuses('nothing_to_watch', 1008);
  pass(60);
  assert.deepEqual(states(), ['open', 'over', 'over']);
  assert.equal(FakeSocket.all.length, 2);
});

test('a server that never answered is gone at once', () => {
  make().connect();
  FakeSocket.last.drops(1006);
  assert.deepEqual(states(), ['gone']);
});

test('when all places are taken it asks again by itself, ever more rarely', () => {
  make().connect();
  FakeSocket.last.refuses('session_limit_reached', 1013, { sophia: { places: 8 } });
  assert.deepEqual(told, [['full', { places: 8, retry: { in: 4 } }]]);
  for (let n = 0; n < 8; n++) {
    pass(told.at(-1)[1].retry.in + 0.2);
    assert.equal(FakeSocket.all.length, n + 2);
    FakeSocket.last.refuses('session_limit_reached', 1013);
  }
  assert.deepEqual(told.at(-1)[1], { places: null, retry: { in: 15 } });
  pass(15.2);
  FakeSocket.last.greets();
  assert.equal(states().at(-1), 'open');
});

for (const [code, close, state] of [['session_moved', 4001, 'moved'], ['invalid_api_key', 1008, 'key'], ['nothing_to_watch', 1008, 'over'], ['origin_not_allowed', 1008, 'refused']])
  test(`${code} is ${state}, and is not tried again`, () => {
    make().connect();
    FakeSocket.last.refuses(code, close);
    assert.equal(states().join(), state);
    if (state === 'refused') assert.deepEqual(told[0][1], { code, message: `because of ${code}` });
    pass(60);
    assert.equal(FakeSocket.all.length, 1);
  });

test('a conversation that moved to another tab says so also after it stood', () => {
  make().connect();
  FakeSocket.last.greets();
  FakeSocket.last.refuses('session_moved', 4001);
  assert.deepEqual(states(), ['open', 'moved']);
});

test('a server that goes, or cuts off a page that read too slowly, is asked again', () => {
  for (const close of [1001, 1008, 1012]) {
    told = [];
    make().connect();
    FakeSocket.last.greets();
    FakeSocket.last.drops(close);
    assert.deepEqual(states(), ['open', 'lost']);
  }
});

test('ten seconds without a word are a lost connection, and nothing waits for it to close', () => {
  make().connect();
  const first = FakeSocket.last;
  first.greets();
  for (let n = 0; n < 20; n++) {
    pass(1);
    first.says({ type: 'sophia.levels' });
  }
  assert.deepEqual(states(), ['open']);
  pass(12);
  assert.deepEqual(states(), ['open', 'lost']);
  assert.equal(first.closed, 1000);
  const count = events.length;
  first.greets();
  first.drops();
  assert.equal(events.length, count, 'what the dead one still says is not heard');
});

test('a page that stood still itself blames nobody', () => {
  make().connect();
  FakeSocket.last.greets();
  pass(1);
  now += 30; // the main thread was held up; its timer runs before the messages that wait
  pass(1);
  assert.deepEqual(states(), ['open']);
  pass(12);
  assert.deepEqual(states(), ['open', 'lost']);
});

test('what is no event of the wire is ignored', () => {
  make().connect();
  for (const odd of ['', '{', 'null', '7', '[]', '{"type":7}', '{"nothing":1}', `{"type":"x","a":"${'a'.repeat(4_000_001)}"}`]) FakeSocket.last.says(odd);
  FakeSocket.last.onmessage({ data: new ArrayBuffer(8) });
  assert.deepEqual([events, states()], [[], []]);
  FakeSocket.last.says({ type: 'error' });
  FakeSocket.last.greets();
  assert.deepEqual(states(), ['open']);
});

test('an end is an end, also between two tries', () => {
  const socket = make();
  socket.connect();
  FakeSocket.last.greets();
  FakeSocket.last.drops();
  socket.close();
  pass(60);
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(socket.open, false);
});

test('connecting at once cuts the wait short', () => {
  const socket = make();
  socket.connect();
  FakeSocket.last.greets();
  FakeSocket.last.drops();
  socket.connect();
  assert.equal(FakeSocket.all.length, 2);
  pass(5);
  assert.equal(FakeSocket.all.length, 2, 'the waiting try is off');
});
