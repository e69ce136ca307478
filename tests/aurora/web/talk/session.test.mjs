import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { constraints } from '../../../../aurora/web/src/talk/microphone.js';
import { Playout } from '../../../../aurora/web/src/talk/playout.js';
import { toBase64 } from '../../../../aurora/web/src/talk/pcm.js';
import { TalkSession } from '../../../../aurora/web/src/talk/session.js';
import { FakeSocket } from './socket.mjs';

const settle = async () => { for (let n = 0; n < 20; n++) await Promise.resolve(); };
const failure = name => Object.assign(new Error(name), { name });

/** A browser in the test's hands. `refuse` is the name of the error that getUserMedia gives. */
class Browser {
  constructor() {
    const browser = this;
    Object.assign(this, { secure: true, base: 'https://spark-1:8765/', WebSocket: FakeSocket, refuse: null, asked: [], tracks: [], nodes: {}, modules: [], allowed: true, contexts: [] });
    this.now = () => (this.context?.currentTime ?? 0) + 50;
    this.audioSession = { type: 'auto' };
    this.AudioContext = class {
      state = browser.allowed ? 'running' : 'suspended';
      currentTime = 0;
      sampleRate = 48000;
      baseLatency = 0.01;
      outputLatency = 0.03;
      destination = {};
      audioWorklet = { addModule: async address => { if (browser.unreachable) throw new Error('404'); browser.modules.push(address); } };
      constructor() { browser.contexts.push(this); }
      async resume() { if (browser.allowed) this.become('running'); }
      async close() { this.become('closed'); }
      become(state) { this.state = state; this.onstatechange?.(); }
      createMediaStreamSource() { return { connect() {}, disconnect() {} }; }
    };
    this.AudioWorkletNode = class {
      constructor(_, name) {
        browser.nodes[name] = this;
        this.playout = new Playout(48000);
        this.port = { postMessage: ({ op, item, start, pcm, rate }) => op === 'sound' ? this.playout.push(item, start, pcm, rate) : op === 'cut' ? this.playout.cut(item) : this.playout.finish(item) };
      }
      connect() {}
      disconnect() {}
    };
    this.mediaDevices = Object.assign(new EventTarget(), {
      getUserMedia: async ({ audio }) => {
        browser.asked.push(audio);
        await browser.answer;
        if (browser.refuse) throw failure(typeof browser.refuse === 'function' ? browser.refuse(audio) : browser.refuse);
        const track = { enabled: true, stopped: false, label: 'Fake', stop() { this.stopped = true; }, getSettings: () => ({ echoCancellation: 'remote-only' }) };
        browser.tracks.push(track);
        return { getAudioTracks: () => [track] };
      },
    });
    globalThis.MediaStream = class {};
  }
  get context() { return this.contexts.at(-1); }
  get track() { return this.tracks.at(-1); }
  hears(db = -30, count = 1) {
    for (let n = 0; n < count; n++) this.nodes['sophia-capture'].port.onmessage({ data: { t: 0, db, pcm: new Int16Array(320) } });
  }
  plays(seconds, look = () => {}) {
    const node = this.nodes['sophia-playback'];
    for (const end = this.context.currentTime + seconds; this.context.currentTime < end; ) {
      const anchors = node.playout.render(new Float32Array(128), this.context.currentTime);
      this.context.currentTime += 128 / 48000;
      if (anchors.length) node.port.onmessage({ data: anchors });
      look();
    }
  }
}

let browser, told;
const begin = (options = {}) => {
  const session = new TalkSession({}, { browser, ...options });
  session.addEventListener('page', ({ detail }) => told.push(detail));
  return session;
};
const talking = async options => {
  const session = begin(options);
  await session.talk();
  FakeSocket.last.greets();
  return session;
};
const types = () => told.map(event => event.type);
const speak = (item, seconds) => FakeSocket.last.says({ type: 'response.output_audio.delta', item_id: item, delta: toBase64(new Uint8Array(new Int16Array(24000 * seconds).fill(6000).buffer)), sophia: { audio_start_ms: 0 } });
const show = (item, seconds) => FakeSocket.last.says({ type: 'sophia.face.frames', item_id: item, names_id: 'n', audio_start_ms: 0, fps: 30, count: 30 * seconds, weights: toBase64(new Uint8Array(30 * seconds).fill(99)) });

beforeEach(() => {
  browser = new Browser();
  told = [];
  FakeSocket.begin();
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
});

test('one click: context, microphone, worklets, socket, open', async () => {
  const session = begin(), done = session.talk();
  assert.equal(browser.contexts.length, 1, 'the context is made in the click itself');
  assert.equal(browser.asked.length, 1, 'and the microphone asked for');
  await done;
  assert.deepEqual(browser.modules, ['https://spark-1:8765/static/capture.js', 'https://spark-1:8765/static/playback.js']);
  assert.equal(FakeSocket.last.url, 'wss://spark-1:8765/v1/realtime');
  FakeSocket.last.greets();
  assert.deepEqual(types(), ['granted', 'open']);
  const { session: asked } = FakeSocket.last.sent[0];
  assert.deepEqual([asked.audio.input.format.rate, asked.audio.output.format.rate, asked.sophia.lead_ms], [16000, 24000, 100]);
  assert.ok(asked.extensions.includes('sophia.face'));
  assert.equal(browser.audioSession.type, 'play-and-record');
});

for (const [name, type] of [['NotAllowedError', 'denied'], ['NotFoundError', 'nomic'], ['NotReadableError', 'busy'], ['AbortError', 'busy'], ['SecurityError', 'denied']])
  test(`${name} is ${type}; nothing stays open, and a second click tries again`, async () => {
    browser.refuse = name;
    const session = begin();
    await session.talk();
    assert.deepEqual(types(), [type]);
    assert.equal(browser.context.state, 'closed');
    assert.equal(FakeSocket.all.length, 0);
    browser.refuse = null;
    await session.talk();
    assert.deepEqual(types(), [type, 'granted']);
  });

test('without HTTPS, or a browser without microphones, nothing is asked for', async () => {
  browser.secure = false;
  await begin().talk();
  browser.secure = true;
  browser.mediaDevices = undefined;
  await begin().talk();
  assert.deepEqual([types(), browser.contexts.length], [['insecure', 'insecure'], 0]);
});

test('a chosen microphone that is away is replaced by another', async () => {
  browser.refuse = ({ deviceId }) => (deviceId ? 'OverconstrainedError' : null);
  browser.mediaDevices.getUserMedia = (real => async wish => { browser.refuse = wish.audio.deviceId ? 'OverconstrainedError' : null; return real(wish); })(browser.mediaDevices.getUserMedia);
  await begin({ deviceId: 'gone' }).talk();
  assert.deepEqual(types(), ['granted']);
  assert.deepEqual(browser.asked.map(wish => wish.deviceId?.exact), ['gone', undefined]);
});

test('echo cancellation is asked for on loudspeakers, and not on headphones', () => {
  assert.deepEqual(constraints({}).echoCancellation, { ideal: 'all' });
  assert.equal(constraints({ headphones: true }).echoCancellation, false);
  assert.equal(constraints({ headphones: true }).noiseSuppression, true);
  const raw = constraints({ raw: true });
  assert.deepEqual([raw.echoCancellation, raw.noiseSuppression, raw.autoGainControl], [false, false, false]);
});

test('an end while the browser asks for the microphone leaves none open', async () => {
  let allow;
  browser.answer = new Promise(done => { allow = done; });
  const session = begin(), done = session.talk();
  session.end();
  allow();
  await done;
  assert.equal(browser.track.stopped, true);
  assert.deepEqual([types(), FakeSocket.all.length], [['end'], 0]);
});

test('worklets that cannot be loaded are a server that is gone', async () => {
  browser.unreachable = true;
  await begin().talk();
  assert.deepEqual(types(), ['granted', 'gone']);
  assert.equal(browser.context.state, 'closed');
});

test('the microphone goes to the server from the moment it is open, and not while muted', async () => {
  const session = begin();
  await session.talk();
  browser.hears();
  FakeSocket.last.greets();
  browser.hears();
  session.mute(true);
  browser.hears();
  assert.equal(browser.track.enabled, false);
  assert.equal(session.levels().you, 0);
  session.mute(false);
  browser.hears(-10);
  assert.deepEqual(FakeSocket.last.types(), ['session.update', 'input_audio_buffer.append', 'sophia.microphone', 'sophia.microphone', 'input_audio_buffer.append']);
  assert.equal(session.levels().you, 1);
  assert.deepEqual(session.figures().echo, 'remote-only');
});

test('a microphone that is pulled out is told, and back when there is one', async () => {
  await talking();
  const first = browser.track;
  first.onended();
  browser.refuse = 'NotFoundError';
  browser.mediaDevices.dispatchEvent(new Event('devicechange'));
  await settle();
  assert.equal(types().at(-1), 'unplugged');
  browser.refuse = null;
  browser.mediaDevices.dispatchEvent(new Event('devicechange'));
  await settle();
  assert.equal(types().at(-1), 'plugged');
  browser.hears();
  assert.equal(FakeSocket.last.types().at(-1), 'input_audio_buffer.append');
});

test('a microphone that gives nothing for five seconds is told, and when it gives something', async () => {
  await talking();
  browser.hears(-60, 500);
  assert.deepEqual(types(), ['granted', 'open']);
  browser.hears(-100, 249);
  assert.deepEqual(types(), ['granted', 'open']);
  browser.hears(-100, 10);
  assert.equal(types().at(-1), 'silent');
  browser.hears(-50, 10);
  assert.deepEqual(types().slice(2), ['silent', 'heard']);
});

test('a browser that holds her voice back is told so, and lets it out in a click', async () => {
  browser.allowed = false;
  const session = await talking();
  mock.timers.tick(1100);
  assert.equal(types().at(-1), 'blocked');
  browser.allowed = true;
  session.unblock();
  await settle();
  assert.equal(types().at(-1), 'allowed');
});

test('a telephone call interrupts the context, and is over again; meanwhile her mouth is shut', async () => {
  const session = await talking();
  FakeSocket.last.says({ type: 'sophia.face.names', names_id: 'n', names: ['jawOpen'] });
  show('a', 2);
  speak('a', 2);
  browser.plays(0.5);
  browser.context.become('interrupted');
  assert.deepEqual([session.weights(browser.now()), session.drawn()], [null, null]);
  browser.context.become('running');
  assert.ok(session.weights(browser.now()) !== null);
  assert.deepEqual(types().slice(2), ['blocked', 'allowed']);
});

test('while the context stands still her sound waits, and goes on from there', async () => {
  const session = await talking();
  FakeSocket.last.says({ type: 'sophia.face.names', names_id: 'n', names: ['jawOpen'] });
  show('a', 2);
  speak('a', 2);
  browser.plays(0.5);
  const before = session.position().seconds;
  assert.deepEqual(session.position().seconds, before, 'no picture moves the lips');
  browser.plays(0.1);
  assert.ok(Math.abs(session.position().seconds - before - 0.1) < 0.004);
});

test('what is heard lags what is handed out by the latency of the sound card', async () => {
  const session = await talking();
  speak('a', 2);
  browser.plays(0.5);
  assert.ok(Math.abs(session.position().seconds - (0.5 - 0.04)) < 0.004);
  assert.equal(session.position().item, 'a');
});

test('a tab that drew nothing for a minute draws what is heard as soon as it is back', async () => {
  const session = await talking();
  FakeSocket.last.says({ type: 'sophia.face.names', names_id: 'n', names: ['jawOpen'] });
  show('a', 30);
  speak('a', 30);
  browser.plays(0.3);
  session.weights(browser.now());
  browser.plays(20);
  assert.ok(session.weights(browser.now()) !== null);
  const { frame, heard, item } = session.drawn();
  assert.equal(item, 'a');
  assert.ok(Math.abs(heard - 20.26) < 0.01 && Math.abs(frame - heard) < 1 / 30);
});

test('a lost connection silences her at once; a new one begins anew', async () => {
  const session = await talking();
  speak('a', 2);
  browser.plays(0.3);
  FakeSocket.last.drops();
  browser.plays(0.02);
  assert.equal(browser.nodes['sophia-playback'].playout.held, 0);
  assert.equal(session.position()?.playing ?? false, false);
  assert.deepEqual(types().filter(type => type !== 'silenced').slice(2), ['lost']);
  browser.hears();
  mock.timers.tick(2100);
  FakeSocket.last.greets();
  assert.equal(types().at(-1), 'open');
  browser.hears();
  assert.equal(FakeSocket.last.types().at(-1), 'input_audio_buffer.append');
});

test('what is refused for good gives the microphone back', async () => {
  for (const [code, close] of [['session_moved', 4001], ['invalid_api_key', 1008], ['origin_not_allowed', 1008]]) {
    const session = begin();
    await session.talk();
    FakeSocket.last.refuses(code, close);
    assert.equal(browser.track.stopped, true);
    assert.equal(session.position(), null);
    assert.equal(session.weights(1), null);
  }
});

test('typing needs no microphone, and first stops her where she speaks', async () => {
  browser.mediaDevices = undefined;
  const session = await talking({ microphone: false });
  assert.deepEqual(types(), ['open']);
  session.say('Hello.');
  FakeSocket.last.says({ type: 'sophia.floor', state: 'speaking' });
  session.say('And you?');
  session.cancel();
  assert.deepEqual(FakeSocket.last.types(), ['session.update', 'conversation.item.create', 'response.create', 'response.cancel', 'conversation.item.create', 'response.create', 'response.cancel']);
  assert.deepEqual(FakeSocket.last.sent[1].item.content, [{ type: 'input_text', text: 'Hello.' }]);
});

test('a line that begins with /say or /ask has her say it, and is nothing that the user says', async () => {
  const session = await talking();
  for (const line of ['/say The lab closes.', '/ask Ada has come.', '/sayings', '/say ']) session.say(line);
  assert.deepEqual(FakeSocket.last.types(), ['session.update', 'sophia.say', 'sophia.ask', ...Array(2).fill(['conversation.item.create', 'response.create']).flat()]);
  session.end();
});

test('watching needs neither microphone nor sound, and follows the server’s clock', () => {
  const session = begin();
  session.watch();
  assert.equal(FakeSocket.last.url, 'wss://spark-1:8765/v1/realtime?watch=1');
  FakeSocket.last.greets();
  assert.deepEqual([types(), browser.contexts.length, browser.asked.length], [['open'], 0, 0]);
  assert.equal(session.now(), 5000);
  FakeSocket.last.says({ type: 'sophia.face.names', names_id: 'n', names: ['jawOpen'] });
  show('a', 2);
  FakeSocket.last.says({ type: 'sophia.playout.position', item_id: 'a', audio_ms: 400, playing: true, at_ms: 5000 });
  FakeSocket.last.says({ type: 'sophia.levels', user_db: -10, agent_db: -35, at_ms: 5000 });
  assert.ok(session.weights(50) !== null);
  assert.ok(Math.abs(session.drawn().heard - 0.4) < 1e-6);
  assert.deepEqual(session.levels(), { you: 1, her: 0.5 });
});

test('an error in a conversation is a notice, but not that nothing was to be cancelled', async () => {
  await talking();
  FakeSocket.last.says({ type: 'error', error: { code: 'response_cancel_not_active', message: 'Cancellation failed' } });
  FakeSocket.last.says({ type: 'error', error: { code: 'unknown_parameter', message: 'What is that?' } });
  assert.deepEqual(told.slice(2), [{ type: 'notice', message: 'What is that?' }]);
});

test('that she has forgotten a conversation is a notice, before the next one is open', async () => {
  const session = begin();
  await session.talk();
  FakeSocket.last.says({ type: 'session.created', session: {} });
  FakeSocket.last.says({ type: 'error', error: { code: 'resume_invalid', message: 'It begins anew.' } });
  assert.deepEqual(told.at(-1), { type: 'notice', message: 'It begins anew.' });
});

test('settings change while it runs: another microphone, headphones, earlier lips', async () => {
  const session = await talking();
  const first = browser.track;
  await session.configure({ lipOffsetMs: 40 });
  assert.equal(browser.track, first, 'lips need no new microphone');
  await session.configure({ deviceId: 'other', headphones: true });
  assert.equal(first.stopped, true);
  assert.deepEqual([browser.asked.at(-1).deviceId, browser.asked.at(-1).echoCancellation], [{ exact: 'other' }, false]);
  assert.deepEqual(FakeSocket.last.sent.at(-1), { type: 'session.update', session: { type: 'realtime', sophia: { headphones: true } } });
  browser.refuse = 'NotReadableError';
  const second = browser.track;
  await session.configure({ deviceId: 'third' });
  assert.equal(types().at(-1), 'notice');
  assert.deepEqual([second.stopped, session.settings.deviceId], [false, 'other']);
});

test('an end closes all, and a second conversation is a new one', async () => {
  const session = await talking();
  const socket = FakeSocket.last, context = browser.context;
  session.end();
  assert.deepEqual([socket.closed, context.state, browser.track.stopped, types().at(-1)], [1000, 'closed', true, 'end']);
  await session.talk();
  FakeSocket.last.greets();
  assert.equal(types().at(-1), 'open');
  assert.equal(browser.contexts.length, 2);
});

test('what may be kept is told before any sound, again after each connection, and whenever it changes', async () => {
  const said = () => FakeSocket.last.sent.filter(event => event.type === 'sophia.consent').map(event => event.consent);
  const session = await talking({ consent: 'sound' });
  browser.hears();
  assert.deepEqual(said(), ['sound']);
  const sent = FakeSocket.last.types();
  assert.ok(sent.indexOf('sophia.consent') < sent.indexOf('input_audio_buffer.append'));
  session.agree('numbers');
  assert.deepEqual(said(), ['sound', 'numbers']);
  FakeSocket.last.says({ type: 'sophia.recording', consent: 'numbers', recording: false, offered: ['numbers'] });
  assert.equal(types().at(-1), 'kept');
});

test('who is asked nothing says nothing', async () => {
  await talking();
  browser.hears();
  assert.ok(!FakeSocket.last.types().includes('sophia.consent'));
});
