// Slow pictures are noticed, and what only looks like it is not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slowness } from '../../../aurora/web/src/stage/slowness.js';

/** The second at which pictures with these gaps are called slow, or null. */
function noticed(gap, seconds) {
  const slowness = new Slowness();
  for (let time = 0, k = 0; time < seconds; k++, time += typeof gap === 'function' ? gap(k, time) : gap) {
    if (slowness.at(time)) return time;
  }
  return null;
}

test('eight pictures a second are slow after three seconds, thirty and sixty never', () => {
  const at = noticed(1 / 8, 20);
  assert.ok(at >= 3 && at <= 3.4, `${at}`);
  assert.equal(noticed(1 / 30, 60), null);
  assert.equal(noticed(1 / 60, 60), null);
});

test('one picture a second is slow too', () => {
  assert.notEqual(noticed(1, 60), null);
});

test('a stutter now and then is not slow', () => {
  assert.equal(noticed((k) => (k % 20 === 19 ? 0.4 : 1 / 60), 60), null);
});

test('a hidden page is not slow', () => {
  assert.equal(noticed((k) => (k % 30 === 29 ? 60 : 1 / 60), 3600), null);
  assert.equal(noticed(5, 600), null);
});

test('a fast start does not hide what comes', () => {
  const at = noticed((k, time) => (time < 60 ? 1 / 60 : 1 / 8), 120);
  assert.ok(at > 61 && at < 65, `${at}`);
});

test('after something was made cheaper it looks afresh', () => {
  const slowness = new Slowness();
  let time = 0;
  while (!slowness.at(time)) time += 0.125;
  slowness.restart();
  for (let k = 0; k < 300; k++) assert.ok(!slowness.at((time += 1 / 60)));
});
