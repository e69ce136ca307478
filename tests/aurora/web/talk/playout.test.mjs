import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FADE, Playout } from '../../../../aurora/web/src/talk/playout.js';

const RATE = 48000, FROM = 24000;

/** A playout and its sound card: `run(seconds)` renders blocks of 128 samples. */
class Bench {
  constructor(rate = RATE) {
    this.rate = rate;
    this.playout = new Playout(rate);
    this.t = 0;
    this.anchors = [];
    this.sound = [];
  }
  run(seconds) {
    for (const end = this.t + seconds - 1e-9; this.t < end; this.t += 128 / this.rate) {
      const out = new Float32Array(128);
      this.anchors.push(...this.playout.render(out, this.t));
      this.sound.push(...out);
    }
  }
  /** `seconds` of a constant, from `start` of the item. */
  say(item, start, seconds, value = 8000) {
    this.playout.push(item, start, new Int16Array(Math.round(seconds * FROM)).fill(value), FROM);
  }
  kinds() { return this.anchors.filter((a, n, all) => a.kind !== 'play' || all[n - 1]?.kind !== 'play').map(a => a.kind); }
  first(kind) { return this.anchors.find(a => a.kind === kind); }
  last(kind) { return this.anchors.findLast(a => a.kind === kind); }
  /** Context time after which nothing sounds any more. */
  silence() { return (this.sound.findLastIndex(s => Math.abs(s) > 1e-4) + 1) / this.rate; }
  /** Largest step from sample to sample after the first 10 ms, for the constant sets in at once. */
  step() {
    const from = Math.round((this.first('play').t + 0.01) * this.rate);
    return this.sound.reduce((most, s, n) => (n < from ? most : Math.max(most, Math.abs(s - this.sound[n - 1]))), 0);
  }
}

test('it starts when 40 ms are there, and not before', () => {
  const bench = new Bench();
  bench.say('a', 0, 0.03);
  bench.run(0.1);
  assert.deepEqual(bench.anchors, []);
  bench.say('a', 0.03, 0.03);
  bench.run(0.02);
  assert.ok(Math.abs(bench.first('play').t - 0.1) < 128 / RATE);
  assert.equal(bench.first('play').position, 0);
});

test('an item that is complete starts at once, however short', () => {
  const bench = new Bench();
  bench.say('a', 0, 0.01);
  bench.playout.finish('a');
  bench.run(0.05);
  assert.deepEqual(bench.kinds(), ['play', 'end']);
  assert.ok(Math.abs(bench.first('end').position - 0.01) < 1e-6);
  assert.ok(Math.abs(bench.first('end').t - bench.first('play').t - 0.01) < 1e-6);
});

for (const rate of [44100, 48000, 96000])
  test(`anchors tell the position to the sample at ${rate} Hz, ten milliseconds apart`, () => {
    const bench = new Bench(rate);
    for (let n = 0; n < 50; n++) bench.say('a', n * 0.02, 0.02);
    bench.run(0.9);
    const [start, ...others] = bench.anchors;
    assert.ok(others.length >= 60 && others.length <= 90);
    for (const { t, position } of others) assert.ok(Math.abs(position - (t - start.t)) < 1e-9);
  });

test('places that come rounded to milliseconds are one stretch', () => {
  const bench = new Bench();
  for (let n = 0; n < 30; n++) bench.say('a', Math.round((n * 1000) / 46.875) / 1000, 512 / FROM);
  bench.playout.finish('a');
  bench.run(1);
  assert.deepEqual(bench.kinds(), ['play', 'end']);
  assert.ok(Math.abs(bench.last('end').position - (30 * 512) / FROM) < 1e-6);
});

test('sound that ran dry fades, waits for 40 ms, goes on, and is counted once it does', () => {
  const bench = new Bench();
  bench.say('a', 0, 0.1);
  bench.run(0.3);
  assert.deepEqual(bench.kinds(), ['play', 'gap']);
  assert.equal(bench.last('gap').underruns, 0);
  bench.say('a', 0.1, 0.02);
  bench.run(0.1);
  assert.deepEqual(bench.kinds(), ['play', 'gap']);
  bench.say('a', 0.12, 0.1);
  bench.run(0.05);
  assert.deepEqual(bench.kinds(), ['play', 'gap', 'play']);
  assert.equal(bench.last('play').underruns, 1);
  const again = bench.anchors.findIndex(a => a.kind === 'gap') + 1;
  assert.equal(bench.anchors[again].position, bench.anchors[again - 1].position);
  assert.ok(bench.step() < 0.004, 'no click');
});

test('an item whose end is told late was not short of sound', () => {
  const bench = new Bench();
  bench.say('a', 0, 0.1);
  bench.run(0.3);
  bench.playout.finish('a');
  bench.run(0.1);
  assert.deepEqual(bench.kinds(), ['play', 'gap', 'end']);
  assert.equal(bench.last('end').underruns, 0);
  assert.ok(Math.abs(bench.last('end').position - 0.1) < 1e-6);
});

test('a cut is silent within its fade, and does not click', () => {
  const bench = new Bench();
  bench.say('a', 0, 2);
  bench.run(0.5);
  const cut = bench.t;
  bench.playout.cut('a');
  bench.run(0.2);
  assert.equal(bench.last('cut').t, cut);
  assert.ok(bench.silence() <= cut + FADE + 1e-6);
  assert.ok(Math.abs(bench.last('cut').position - (cut - bench.first('play').t)) < 1e-6);
  assert.ok(bench.step() < 0.004, 'no click');
  assert.equal(bench.playout.held, 0);
});

test('after a pause her sound goes on where the server says, a little before', () => {
  const bench = new Bench();
  bench.say('a', 0, 1);
  bench.run(0.5);
  bench.playout.cut('a');
  bench.run(0.3);
  bench.say('a', 0.35, 0.5);
  bench.run(0.2);
  assert.deepEqual(bench.kinds(), ['play', 'cut', 'play']);
  const [again] = bench.anchors.slice(bench.anchors.findIndex(a => a.kind === 'cut') + 1);
  assert.equal(again.position, 0.35);
  assert.equal(again.underruns, 0);
});

test('a jump inside of an item, without a pause, is played as it comes', () => {
  const bench = new Bench();
  bench.say('a', 0, 0.2);
  bench.say('a', 0.1, 0.3);
  bench.playout.finish('a');
  bench.run(0.7);
  assert.ok(Math.abs(bench.last('end').position - 0.4) < 1e-6);
  assert.equal(bench.last('end').underruns, 0);
});

test('two items play one after the other; cutting one leaves the other', () => {
  const bench = new Bench();
  bench.say('a', 0, 0.3);
  bench.say('b', 0, 0.2);
  bench.playout.finish('b');
  bench.run(0.1);
  bench.playout.cut('a');
  bench.run(0.5);
  assert.deepEqual(bench.anchors.filter(a => a.kind !== 'play').map(a => [a.item, a.kind]), [['a', 'cut'], ['b', 'end']]);
  bench.say('c', 0, 0.2);
  bench.playout.cut(null);
  bench.run(0.1);
  assert.equal(bench.last('cut').item, 'c');
});

test('a server that sends without end fills two minutes, and no more', () => {
  const playout = new Playout(8000);
  for (let n = 0; n < 130; n++) playout.push('a', n, new Int16Array(8000), 8000);
  assert.ok(playout.held <= 120);
  assert.equal(playout.lost, 10);
});

test('a minute that comes at once is resampled as it is played', () => {
  const bench = new Bench(44100);
  bench.say('a', 0, 60);
  bench.playout.finish('a');
  assert.equal(bench.playout.runs[0].came.length, Math.ceil((60 * FROM) / 2048));
  bench.run(0.5);
  assert.ok(bench.playout.runs[0].came.length > 690);
  assert.ok(Math.abs(bench.playout.held - 59.5) < 0.01);
});

test('what comes out is what went in, at another rate', () => {
  const bench = new Bench(48000), tone = Int16Array.from({ length: FROM }, (_, n) => 12000 * Math.sin((2 * Math.PI * 700 * n) / FROM));
  for (let at = 0; at < FROM; at += 480) bench.playout.push('a', at / FROM, tone.subarray(at, at + 480), FROM);
  bench.playout.finish('a');
  bench.run(1.1);
  const begin = Math.round(bench.first('play').t * 48000);
  let worst = 0;
  for (let n = 500; n < 47500; n++) worst = Math.max(worst, Math.abs(bench.sound[begin + n] - (12000 / 32768) * Math.sin((2 * Math.PI * 700 * n) / 48000)));
  assert.ok(worst < 2e-4, `${worst}`);
});
