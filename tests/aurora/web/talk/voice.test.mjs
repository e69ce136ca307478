import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ARKIT } from '../../../../aurora/web/src/arkit.js';
import { Playout } from '../../../../aurora/web/src/talk/playout.js';
import { toBase64 } from '../../../../aurora/web/src/talk/pcm.js';
import { RATE, Voice } from '../../../../aurora/web/src/talk/voice.js';

const JAW = ARKIT.indexOf('jawOpen');

/** A voice with a real playout for a speaker, whose sound card runs when the test says so; loudspeakers are not late. */
class Bench {
  constructor(rate = 48000) {
    this.rate = rate;
    this.t = 0;
    this.sent = [];
    this.told = [];
    this.playout = new Playout(rate);
    this.voice = new Voice({
      sound: (item, start, pcm, from) => this.playout.push(item, start, pcm, from),
      finish: item => this.playout.finish(item), cut: item => this.playout.cut(item),
    }, event => this.sent.push(event));
    this.take({ type: 'sophia.face.names', names_id: 'n', names: ARKIT });
  }
  take(event) { this.told.push(...this.voice.take(event, this.t)); }
  run(seconds, look = () => {}) {
    for (const end = this.t + seconds - 1e-9; this.t < end; ) {
      const anchors = this.playout.render(new Float32Array(128), this.t);
      this.t += 128 / this.rate;
      if (anchors.length) this.told.push(...this.voice.anchors(anchors, this.t));
      look(this.t);
    }
  }
  say(item, start, seconds, value = 6000) {
    const pcm = new Int16Array(Math.round(seconds * RATE)).fill(value);
    this.take({ type: 'response.output_audio.delta', item_id: item, delta: toBase64(new Uint8Array(pcm.buffer)), sophia: { audio_start_ms: 1000 * start } });
  }
  done(item) { this.take({ type: 'response.output_audio.done', item_id: item }); }
  /** Frames of which each weight tells its time: 255 a second. */
  frames(item, start, seconds, more = {}) {
    const count = Math.round(seconds * 30), weights = new Uint8Array(count * 52);
    for (let k = 0; k < count; k++) weights.fill(Math.round((start + k / 30) * 100), k * 52, (k + 1) * 52);
    this.take({ type: 'sophia.face.frames', item_id: item, names_id: 'n', audio_start_ms: 1000 * start, fps: 30, count, weights: toBase64(weights), ...more });
  }
  types() { return this.told.map(event => event.type); }
}

let bench;
beforeEach(() => { bench = new Bench(); });

test('the pose on show is the one of the second that is heard', () => {
  bench.frames('a', 0, 2);
  bench.say('a', 0, 2);
  bench.run(1);
  const { seconds } = bench.voice.position(bench.t), weights = bench.voice.look(bench.t, 0, 0);
  assert.ok(Math.abs(weights[JAW] * 2.55 - seconds) < 0.006);
  assert.ok(Math.abs(bench.voice.drawn.frame - seconds) < 1e-6);
  assert.equal(bench.voice.drawn.item, 'a');
});

test('lips that are wanted earlier, or made for half a picture ahead, are', () => {
  bench.frames('a', 0, 2);
  bench.say('a', 0, 2);
  bench.run(1);
  bench.voice.look(bench.t, 0.1, 0.01);
  assert.ok(Math.abs(bench.voice.drawn.frame - bench.voice.drawn.heard - 0.11) < 1e-6);
});

test('a cut clears sound and face at once, for good, and tells where she was silenced', () => {
  bench.frames('a', 0, 2);
  bench.say('a', 0, 2);
  bench.run(1);
  bench.take({ type: 'sophia.playout.clear', item_id: 'a', audio_ms: 1000 });
  bench.frames('a', 1, 1);
  bench.say('a', 2, 1);
  assert.equal(bench.voice.look(bench.t, 0, 0), null);
  bench.run(0.2, t => assert.equal(bench.voice.look(t, 0, 0), null));
  assert.deepEqual(bench.types(), ['clear', 'silenced', 'cut']);
  const cut = bench.told.at(-1);
  assert.ok(Math.abs(cut.at - 1) < 0.01);
  assert.deepEqual({ playing: bench.sent.at(-1).playing, item: bench.sent.at(-1).item_id }, { playing: false, item: 'a' });
  assert.ok(Math.abs(bench.sent.at(-1).audio_ms - 1000 * cut.at) < 1e-6);
  assert.equal(bench.playout.held, 0);
  bench.take({ type: 'conversation.item.truncated', item_id: 'a', audio_end_ms: 990 });
  assert.equal(bench.types().length, 3, 'a second word about it changes nothing');
});

test('the reply after one that was cut off has lips and sound', () => {
  bench.frames('a', 0, 1);
  bench.say('a', 0, 1);
  bench.run(0.5);
  bench.take({ type: 'sophia.playout.clear', item_id: 'a', audio_ms: 500 });
  bench.run(0.1);
  bench.frames('b', 0, 1);
  bench.say('b', 0, 1);
  bench.run(0.5);
  assert.equal(bench.voice.position(bench.t).item, 'b');
  assert.ok(bench.voice.look(bench.t, 0, 0)[JAW] > 0);
});

test('a pause keeps the face for the sound that comes again', () => {
  bench.frames('a', 0, 2);
  bench.say('a', 0, 1);
  bench.run(0.8);
  bench.take({ type: 'sophia.playout.pause', item_id: 'a', audio_ms: 800 });
  bench.run(0.5);
  assert.equal(bench.voice.look(bench.t, 0, 0), null);
  assert.deepEqual(bench.types(), ['silenced']);
  assert.equal(bench.sent.at(-1).playing, false);
  bench.take({ type: 'sophia.playout.resume', item_id: 'a', audio_ms: 700 });
  bench.say('a', 0.7, 1);
  bench.run(0.2);
  assert.ok(Math.abs(bench.voice.look(bench.t, 0, 0)[JAW] * 2.55 - 0.9) < 0.02);
});

test('a clear after the pause cuts where the pause had silenced her', () => {
  bench.say('a', 0, 1);
  bench.run(0.5);
  bench.take({ type: 'sophia.playout.pause', item_id: 'a', audio_ms: 500 });
  bench.run(0.3);
  const { at } = bench.told.at(-1);
  bench.take({ type: 'sophia.playout.clear', item_id: 'a', audio_ms: 480 });
  assert.deepEqual(bench.told.slice(-2).map(({ type, at }) => [type, at]), [['clear', undefined], ['cut', at]]);
});

test('a reply that is dropped before its first sample is cut at nothing', () => {
  bench.frames('a', 0, 1);
  bench.take({ type: 'sophia.playout.clear', item_id: 'a', audio_ms: 0 });
  assert.deepEqual(bench.told.map(({ type, at }) => [type, at]), [['clear', undefined], ['cut', 0]]);
});

test('ten reports a second, to the end, with what was heard and how the lips were', () => {
  bench.frames('a', 0, 1.1);
  bench.say('a', 0, 1);
  bench.done('a');
  bench.run(1.2, t => bench.voice.look(t, 0, 0.0013));
  const reports = bench.sent.filter(event => event.type === 'sophia.playout.position');
  assert.ok(reports.length >= 10 && reports.length <= 12);
  const last = reports.at(-1);
  assert.deepEqual([last.item_id, last.playing, last.underruns], ['a', false, 0]);
  assert.ok(Math.abs(last.audio_ms - 1000) < 0.1);
  assert.ok(Math.abs(last.face.skew_mean_ms) < 2 && Math.abs(last.face.skew_p95_ms) < 2);
  assert.equal(last.face.missing, 0);
});

test('sound without a face is missing all of it; a face without sound shows nothing', () => {
  bench.say('a', 0, 1);
  bench.run(1, t => bench.voice.look(t, 0, 0));
  assert.ok(bench.voice.figures().missing > 0.99);
  bench.frames('b', 0, 1);
  assert.equal(bench.voice.look(bench.t, 0, 0), null);
  assert.equal(bench.voice.position(bench.t).item, 'a');
});

test('frames after their time are counted late', () => {
  bench.frames('a', 0, 0.5);
  bench.say('a', 0, 2);
  bench.run(1);
  const { seconds } = bench.voice.position(bench.t);
  bench.frames('a', 0.5, 1);
  assert.equal(bench.voice.figures().late, Math.ceil((seconds - 0.5) * 30));
});

test('sound that ran dry is told and counted, and its mouth is not held open', () => {
  bench.frames('a', 0, 2);
  bench.say('a', 0, 0.3);
  bench.run(0.5);
  assert.equal(bench.voice.look(bench.t, 0, 0), null);
  bench.say('a', 0.3, 0.3);
  bench.run(0.1);
  assert.deepEqual(bench.told.filter(event => event.type === 'underrun').map(event => event.count), [1]);
});

test('a server without our extensions is obeyed by its own rules', () => {
  bench.voice.obeys = false;
  bench.take({ type: 'response.output_audio.delta', item_id: 'a', delta: toBase64(new Uint8Array(24000)) });
  bench.take({ type: 'response.output_audio.delta', item_id: 'a', delta: toBase64(new Uint8Array(24000)) });
  bench.run(0.75);
  assert.ok(Math.abs(bench.voice.position(bench.t).seconds - 0.75) < 0.01, 'pieces follow each other');
  bench.take({ type: 'input_audio_buffer.speech_started', item_id: 'u' });
  bench.run(0.05);
  assert.deepEqual(bench.types(), ['clear', 'silenced', 'cut']);
});

test('our own server says itself when to fall silent', () => {
  bench.say('a', 0, 1);
  bench.run(0.3);
  bench.take({ type: 'input_audio_buffer.speech_started', item_id: 'u' });
  bench.run(0.1);
  assert.deepEqual(bench.types(), []);
});

test('her level is that of the sound that is heard', () => {
  bench.say('a', 0, 0.5, 20000);
  bench.say('a', 0.5, 0.5, 0);
  bench.run(0.3);
  assert.ok(bench.voice.level(bench.t) > 0.8);
  bench.run(0.4);
  assert.equal(bench.voice.level(bench.t), 0);
});

test('a new connection begins with nothing', () => {
  bench.frames('a', 0, 1);
  bench.say('a', 0, 1);
  bench.run(0.3);
  bench.take({ type: 'sophia.playout.clear', item_id: 'a', audio_ms: 300 });
  bench.voice.reset();
  bench.run(0.1);
  bench.frames('a', 0, 1);
  bench.say('a', 0, 1);
  bench.run(0.3);
  assert.ok(bench.voice.look(bench.t, 0, 0) !== null, 'names of items begin anew');
});

test('a conversation that is watched is where its server says, between its words too', () => {
  const sent = [], voice = new Voice(null, event => sent.push(event));
  const take = (event, t) => voice.take(event, t);
  take({ type: 'sophia.face.names', names_id: 'n', names: ['jawOpen'] }, 0);
  take({ type: 'sophia.face.frames', item_id: 'a', names_id: 'n', audio_start_ms: 0, fps: 30, count: 60, weights: toBase64(Uint8Array.from({ length: 60 }, (_, k) => k)) }, 0);
  take({ type: 'sophia.playout.position', item_id: 'a', audio_ms: 0, playing: true, at_ms: 10_000 }, 10);
  take({ type: 'sophia.playout.position', item_id: 'a', audio_ms: 100, playing: true, at_ms: 10_100 }, 10.12);
  assert.ok(Math.abs(voice.position(10.25).seconds - 0.25) < 1e-9);
  assert.deepEqual(sent.map(event => [event.playing, Math.round(event.audio_ms)]), [[true, 0], [true, 120]], 'each word of the server is answered');
  assert.ok(Math.abs(voice.look(10.25, 0, 0)[JAW] * 255 - 7.5) < 1e-3);
  take({ type: 'sophia.playout.position', item_id: 'a', audio_ms: 50, playing: true, at_ms: 9_000 }, 10.25);
  assert.ok(Math.abs(voice.position(10.25).seconds - 0.25) < 1e-9, 'an older word comes too late');
  take({ type: 'sophia.playout.position', item_id: 'a', audio_ms: 300, playing: false, at_ms: 10_300 }, 10.3);
  assert.deepEqual(voice.position(10.5), { item: 'a', seconds: 0.3, playing: false });
  assert.deepEqual(take({ type: 'sophia.playout.clear', item_id: 'a', audio_ms: 300 }, 10.6).map(({ type, at }) => [type, at]), [['clear', undefined], ['cut', 0.3]]);
  assert.equal(voice.look(10.7, 0, 0), null);
});

test('nonsense from a server breaks nothing and shows nothing', () => {
  const values = [undefined, null, -1, NaN, 1e12, 'a', '', '@@', 'AAAA', 'x'.repeat(300), [], {}, [null], true];
  const types = ['response.output_audio.delta', 'response.output_audio.done', 'sophia.face.names', 'sophia.face.frames', 'sophia.playout.pause', 'sophia.playout.clear',
    'conversation.item.truncated', 'sophia.playout.position', 'sophia.levels', 'never.heard.of'];
  const fields = ['item_id', 'delta', 'sophia', 'names', 'names_id', 'audio_start_ms', 'fps', 'count', 'weights', 'audio_ms', 'playing', 'at_ms', 'user_db', 'agent_db'];
  let seed = 3;
  const pick = list => list[(seed = (seed * 48271) % 2147483647) % list.length];
  for (let n = 0; n < 20_000; n++) {
    const event = { type: pick(types) };
    for (let k = 0; k < 8; k++) event[pick(fields)] = pick(values);
    bench.take(event);
    if (n % 100 === 0) bench.run(0.01, t => bench.voice.look(t, 0, 0));
  }
  assert.ok(bench.voice.items.size <= 4 && bench.voice.timeline.tracks.size <= 4 && bench.voice.timeline.cleared.size <= 256);
  assert.ok(Number.isFinite(bench.voice.level(bench.t)));
});
