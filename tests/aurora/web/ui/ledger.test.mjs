// Tiles add up, whatever was noted in whatever order, and while the turn goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STAGES, axisEnd, axisStep, ms, quantile, tiles, tilesOf, total, usual } from '../../../../aurora/web/src/ui/ledger.js';
import { random } from './random.mjs';

/** Random instants: some missing, some too early, none after her first sound. */
function someMarks(chance) {
  const marks = { played: 200 + 900 * chance() };
  for (const { until } of STAGES) {
    if (until !== 'played' && chance() < 0.7) marks[until] = (chance() * 1.3 - 0.3) * marks.played;
  }
  return marks;
}

test('the tiles of 5,000 random ledgers add up to voice-to-voice', () => {
  const chance = random(3);
  for (let i = 0; i < 5000; i++) {
    const marks = someMarks(chance);
    const list = tiles(marks);
    assert.ok(Math.abs(total(list) - marks.played) < 1e-6);
    let from = 0;
    for (const tile of list) {
      assert.equal(tile.from, from);
      assert.ok(tile.ms >= 0 && tile.known && !tile.open);
      from = tile.to;
    }
  }
});

test('at each moment of a turn they add up to the time that has passed', () => {
  const chance = random(5);
  for (let i = 0; i < 3000; i++) {
    const marks = someMarks(chance);
    for (const share of [0, 0.1, 0.5, 0.9, 0.999]) {
      const now = share * marks.played;
      const list = tiles(marks, now);
      assert.ok(Math.abs(total(list) - now) < 1e-6, JSON.stringify([marks, now, list]));
      assert.equal(list.filter(tile => tile.open).length, 1);
      assert.ok(!list.slice(list.findIndex(tile => tile.open) + 1).some(tile => tile.ms > 0 || tile.known));
    }
  }
});

test('they are what the ledger on the server computes', () => {
  // pipelines/telemetry/ledger.py: captured 10, started 300 before transcript, no hold
  const list = tiles({ captured: 10, transcript: 320, started: 300, first_token: 400, first_audio: 520, released: 450, played: 530 });
  assert.deepEqual(list.map(tile => tile.ms), [10, 310, 0, 80, 0, 0, 120, 0, 10]);
});

test('a reply that began before the user had ended has no wait', () => {
  assert.equal(total(tiles({ played: -40, first_audio: -60 })), 0);
});

test('contributions of a ledger are taken as they are', () => {
  const list = tilesOf({ capture: 12, asr: 200, llm: 90, playout: 8 });
  assert.equal(total(list), 310);
  assert.deepEqual(list.filter(tile => tile.ms).map(tile => [tile.id, tile.from]), [['capture', 0], ['asr', 12], ['llm', 212], ['playout', 302]]);
});

test('the usual turn is made of medians, and of at least three turns', () => {
  const turns = [100, 300, 200].map(asr => tilesOf({ capture: 10, asr, llm: 50 }));
  assert.deepEqual(usual(turns.slice(1)), []);
  const medians = usual(turns);
  assert.deepEqual(medians.map(one => one.ms), [10, 200, 0, 50, 0, 0, 0, 0, 0]);
  assert.equal(medians[3].from, 210);
});

test('quantiles, axes and numbers', () => {
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.ok(Number.isNaN(quantile([], 0.5)));
  assert.equal(axisEnd(548), 1200);
  for (let wait = 0; wait < 40_000; wait += 333) assert.ok(axisEnd(wait) >= wait / 0.87);
  assert.equal(axisStep(0.2), 200);
  assert.equal(ms(1140.4), '1,140');
  assert.equal(ms(null), '–');
  assert.equal(ms(NaN), '–');
});
