import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heard, ServerClock, SmoothClock, outputLatency } from '../../../../aurora/web/src/talk/clock.js';

test('latency is both parts that the browser tells', () => {
  assert.equal(outputLatency({ currentTime: 1, baseLatency: 0.01, outputLatency: 0.03 }, 5), 0.04);
});

test('without them it is read from the output time stamp, or guessed', () => {
  const context = { currentTime: 10.1, baseLatency: 0.01, getOutputTimestamp: () => ({ contextTime: 10, performanceTime: 4980 }) };
  assert.ok(Math.abs(outputLatency(context, 5) - 0.08) < 1e-9);
  assert.equal(outputLatency({ currentTime: 10.1, baseLatency: 0.01, getOutputTimestamp: () => ({ contextTime: 0, performanceTime: 0 }) }, 5), 0.03);
  assert.equal(outputLatency({ currentTime: 10 }, 5), 0.02);
});

test('a context that steps by 23 ms runs smoothly, and follows its drift', () => {
  const clock = new SmoothClock(), step = 1024 / 44100;
  for (let n = 0; n < 600; n++) {
    const now = n / 60 + 0.004 * Math.sin(n), truth = 3 + now * 1.0002, reads = Math.floor(truth / step) * step;
    const got = clock.at(reads, now, step);
    assert.ok(got >= reads - 1e-9);
    if (n > 20) assert.ok(Math.abs(got - truth) < 0.009, `${got - truth}`);
  }
});

test('a sound card that stood still is not left behind by more than a step', () => {
  const clock = new SmoothClock();
  for (let n = 0; n < 60; n++) clock.at(n / 60, n / 60, 0.01);
  assert.ok(Math.abs(clock.at(1, 1.2, 0.01) - 1.01) < 1e-9);
  for (let n = 72; n < 90; n++) clock.at(n / 60 - 0.2, n / 60, 0.01);
  assert.ok(Math.abs(clock.at(1.3, 1.5, 0.01) - 1.3) < 1e-9, 'and after a quarter of a second by nothing');
});

test('the server is as late as its fastest message', () => {
  const clock = new ServerClock();
  assert.ok(Number.isNaN(clock.at(3)));
  for (let n = 0; n < 600; n++) clock.hear(n / 10, 100 + n / 10 + 0.01 + 0.2 * Math.abs(Math.sin(n)));
  assert.ok(Math.abs(clock.at(160) - 59.99) < 0.003);
});

test('a server whose clock begins anew after a while is believed', () => {
  const clock = new ServerClock();
  clock.hear(0, 100);
  for (const now of [120, 140, 160]) clock.hear(now - 100.5, now);
  assert.equal(clock.at(160), 59.5);
});

test('what is heard lies between anchors, and knows jumps, gaps and ends', () => {
  const heard = new Heard(), put = (kind, t, position, item = 'a') => heard.add({ kind, t, position, item });
  assert.equal(heard.at(0), null);
  put('play', 1, 0);
  put('play', 1.1, 0.1);
  put('gap', 1.2, 0.2);
  put('play', 1.5, 0.2);
  put('cut', 1.6, 0.3);
  put('play', 2, 0.15);
  put('end', 2.4, 0.55);
  const at = t => heard.at(t);
  assert.equal(at(0.9), null);
  assert.ok(Math.abs(at(1.05).seconds - 0.05) < 1e-9);
  assert.deepEqual(at(1.3), { item: 'a', seconds: 0.2, playing: false });
  assert.ok(Math.abs(at(1.55).seconds - 0.25) < 1e-9);
  assert.deepEqual(at(1.8), { item: 'a', seconds: 0.3, playing: false });
  assert.ok(Math.abs(at(2.1).seconds - 0.25) < 1e-9);
  assert.deepEqual(at(2.5), { item: 'a', seconds: 0.55, playing: false });
});

test('a position whose source fell silent does not run on for ever', () => {
  const heard = new Heard();
  heard.add({ kind: 'play', t: 1, position: 0, item: 'a' });
  assert.equal(heard.at(1.4).playing, true);
  assert.deepEqual(heard.at(9), { item: 'a', seconds: 0.5, playing: false });
  heard.add({ kind: 'play', t: 10, position: 2, item: 'a', buffered: 0.125 });
  assert.equal(heard.at(10.125).playing, true);
  assert.deepEqual(heard.at(10.25), { item: 'a', seconds: 2.125, playing: false }, 'beyond what was there it is not known');
});

test('anchors are forgotten, but never the one that counts', () => {
  const heard = new Heard();
  for (let n = 0; n < 5000; n++) heard.add({ kind: 'play', t: n / 100, position: n / 100, item: 'a' });
  assert.ok(heard.places.length < 520);
  heard.add({ kind: 'end', t: 90, position: 50, item: 'a' });
  assert.deepEqual([heard.at(89).seconds, heard.at(90).seconds], [50.49, 50]);
});
