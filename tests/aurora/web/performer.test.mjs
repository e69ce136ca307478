// Speech over life: one writer a shape, and a mouth that comes to rest in 100 ms.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARKIT, AT } from '../../../aurora/web/src/arkit.js';
import { Life, Performer } from '../../../aurora/web/src/life/index.js';
import { random } from '../../../aurora/web/src/life/random.js';

const mouth = (name) => /^(jaw|mouth|tongue|cheekPuff)/.test(name);
const eyes = (name) => /^eye(Blink|Look)/.test(name);
const any = (chance) => Float32Array.from(ARKIT, () => chance());
const pose = (weights) => ({ weights, head: [0.01, 0.02, 0.03], breath: 0.4 });
const SEEDS = Array.from({ length: 50 }, (_, seed) => random(seed));

test('while she speaks the mouth is what speech says, the eyes what life says', () => {
  for (const chance of SEEDS) {
    const performer = new Performer();
    for (let k = 0; k < 30; k++) {
      const life = pose(any(chance));
      const speech = any(chance);
      const { weights, head, breath } = performer.perform(life, speech, k / 60);
      assert.deepEqual([head, breath], [life.head, life.breath]);
      ARKIT.forEach((name, i) => {
        assert.ok(weights[i] >= 0 && weights[i] <= 1);
        if (eyes(name)) assert.equal(weights[i], life.weights[i]);
        else if (mouth(name)) assert.equal(weights[i], speech[i], name);
        else assert.equal(weights[i], Math.fround(Math.min(1, life.weights[i] + speech[i])), name);
      });
    }
  }
});

test('when she falls silent the mouth is at rest after 100 ms, a mood after 400, and neither jumps', () => {
  for (const chance of SEEDS) {
    const performer = new Performer();
    const life = pose(any(chance));
    const speech = any(chance);
    performer.perform(life, speech, 10);
    let before = performer.perform(life, speech, 10.5).weights;
    for (let ms = 5; ms <= 500; ms += 5) {
      const { weights } = performer.perform(life, null, 10.5 + ms / 1000);
      ARKIT.forEach((name, i) => {
        assert.ok(Math.abs(weights[i] - before[i]) < 0.1, `${name} jumped at ${ms} ms`);
        if (ms >= (mouth(name) ? 100 : 400) + 1e-9) assert.equal(weights[i], life.weights[i], `${name} at ${ms} ms`);
      });
      before = weights;
    }
  }
});

test('a smile gives way to speech within 50 ms, without a jump', () => {
  const performer = new Performer();
  const smiling = pose(Float32Array.from(ARKIT, (name) => (name === 'mouthSmileLeft' ? 0.4 : 0)));
  const speech = new Float32Array(ARKIT.length);
  let before = performer.perform(smiling, null, 0).weights[AT.mouthSmileLeft];
  assert.equal(before, Math.fround(0.4));
  for (let ms = 5; ms <= 60; ms += 5) {
    const now = performer.perform(smiling, speech, ms / 1000).weights[AT.mouthSmileLeft];
    assert.ok(before - now < 0.08);
    if (ms >= 50) assert.ok(now < 1e-6);
    before = now;
  }
});

test('speech does not write into the array that it is given, nor keep it', () => {
  const performer = new Performer();
  const speech = new Float32Array(ARKIT.length).fill(0.5);
  performer.perform(pose(new Float32Array(ARKIT.length)), speech, 0);
  speech.fill(0.9); // the page reuses its buffer
  const { weights } = performer.perform(pose(new Float32Array(ARKIT.length)), null, 0.001);
  assert.ok(weights[AT.jawOpen] < 0.51);
  assert.ok(speech.every((w) => w === Math.fround(0.9)));
});

test('speech that starts and stops at every picture leaves eyes and lids alone', () => {
  const [life, alone] = [new Life(7), new Life(7)];
  const performer = new Performer();
  const talk = { floor: 'speaking', level: { you: 0, her: 0.4 } };
  for (let k = 0; k < 600; k++) {
    const done = performer.perform(life.at(k / 60, talk), k % 2 ? any(SEEDS[0]) : null, k / 60);
    const own = alone.at(k / 60, talk).weights;
    ARKIT.forEach((name, i) => eyes(name) && assert.equal(done.weights[i], own[i]));
  }
});
