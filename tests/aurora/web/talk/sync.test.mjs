import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LipSync, Loudness } from '../../../../aurora/web/src/talk/sync.js';

/** Looks every `every` seconds for `seconds`; `code(position)` is what is on show, null for nothing. */
function watch(seconds, code, { every = 1 / 60, audible = () => true, mouth = n => n } = {}) {
  const sync = new LipSync();
  for (let n = 0; n * every <= seconds; n++) {
    const made = code(n * every);
    sync.look(n * every, made === null ? null : { code: made, mouth: mouth(n) }, audible(n * every));
  }
  return sync.summary();
}

test('a pose half a picture ahead is in time', () => {
  const { skew_mean_ms, skew_p95_ms, missing } = watch(2, p => p + 1 / 120);
  assert.ok(Math.abs(skew_mean_ms) <= 1 && Math.abs(skew_p95_ms) <= 1);
  assert.equal(missing, 0);
});

test('lips that are 60 ms late or early are measured so, with their sign', () => {
  assert.ok(Math.abs(watch(2, p => p + 1 / 120 - 0.06).skew_mean_ms + 60) <= 1);
  assert.ok(Math.abs(watch(2, p => p + 1 / 120 + 0.06).skew_p95_ms - 60) <= 1);
});

test('the nearly worst is that of one in twenty', () => {
  const { skew_p95_ms, skew_mean_ms } = watch(10, p => p + 1 / 120 + (p % 1 < 0.06 ? -0.2 : 0));
  assert.ok(Math.abs(skew_p95_ms + 200) <= 1);
  assert.ok(Math.abs(skew_mean_ms + 13) <= 2);
});

test('a slow machine shows pictures late, which is not the face being late, nor a frozen one', () => {
  const { skew_mean_ms, missing } = watch(9, p => p + 1 / 60, { every: 0.7 });
  assert.ok(Math.abs(skew_mean_ms) <= 1);
  assert.equal(missing, 0);
  assert.ok(watch(30, p => p, { every: 0.7, mouth: () => 1 }).missing > 0.98);
});

test('speech without a frame is missing, silence without one is not', () => {
  const half = watch(4, p => (p < 2 ? p : null));
  assert.ok(Math.abs(half.missing - 0.5) < 0.02);
  assert.equal(watch(4, p => (p < 2 ? p : null), { audible: p => p < 2 }).missing, 0);
  assert.deepEqual(watch(1, () => null, { audible: () => false }).skew_mean_ms, null);
});

test('a mouth that does not move for half a second of speech counts as none', () => {
  assert.ok(watch(2, p => p, { mouth: () => 1 }).missing > 0.98);
  assert.equal(watch(2, p => p, { mouth: n => Math.floor(n / 20) }).missing, 0);
});

test('where the sound goes back nothing is counted', () => {
  const sync = new LipSync();
  for (const p of [1, 1.1, 0.5, 0.6]) sync.look(p, null, true);
  assert.equal(sync.summary().missing, 1);
  assert.ok(Math.abs(sync.audible - 0.2) < 1e-9);
});

test('loudness is known wherever sound came, also out of order', () => {
  const loud = new Loudness();
  loud.add(0.5, new Int16Array(2400).fill(500), 24000);
  loud.add(0, new Int16Array(12000).fill(50), 24000);
  assert.equal(loud.audible(0.55), true);
  assert.equal(loud.audible(0.3), false);
  assert.equal(loud.audible(7), false);
  loud.add(1e9, new Int16Array(10), 24000);
  assert.ok(loud.peaks.length < 100);
});
