// Her life apart from speech, over many seeds: what may happen, how often, and what may never happen.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARKIT, AT } from '../../../aurora/web/src/arkit.js';
import { Life } from '../../../aurora/web/src/life/index.js';

const SILENT = { you: 0, her: 0 };
const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);

/** Poses at `fps` from 0 to `seconds`; `talk` is a state or a function of time. */
function lived(seed, seconds, talk, fps = 60) {
  const life = new Life(seed);
  const say = typeof talk === 'function' ? talk : () => ({ floor: talk, level: SILENT });
  return Array.from({ length: Math.round(seconds * fps) + 1 }, (_, k) => ({ time: k / fps, ...life.at(k / fps, say(k / fps, k)) }));
}

/** Times at which the lids begin to fall. */
const blinks = (poses) => poses.filter((p, k) => k && p.weights[AT.eyeBlinkLeft] > 0 && poses[k - 1].weights[AT.eyeBlinkLeft] === 0).map((p) => p.time);
/** Where she looks, seen from her body: [to her left, up], in radians. */
const looks = ({ weights: w, head }) => [
  0.52 * (w[AT.eyeLookOutLeft] - w[AT.eyeLookInLeft]) + head[1],
  0.42 * (w[AT.eyeLookUpLeft] - w[AT.eyeLookDownLeft]) - head[0],
];
const aside = (pose) => Math.hypot(...looks(pose)) > 0.07;
const share = (poses, which) => poses.filter(which).length / poses.length;
/** The server has her nod, deep and not, once and twice, every three seconds. */
const chatting = (time, k) => ({
  floor: 'hearing', level: SILENT, nods: k % 300 === 150 ? [{ depth: 0.045 + 0.03 * (k % 600 ? 1 : 0), twice: k % 900 === 150 }] : [],
});
const lecturing = (time) => ({ floor: 'speaking', level: { you: 0, her: time % 1 < 0.2 ? 0.9 : 0.3 } });

test('the same seed lives the same life, another seed another one', () => {
  const [one, again, other] = [3, 3, 4].map((seed) => lived(seed, 20, 'listening'));
  assert.deepEqual(one, again);
  assert.notDeepEqual(one, other);
});

test('weights stay in 0..1 and the head within reach, whatever goes on', () => {
  const floors = ['listening', 'hearing', 'thinking', 'speaking', 'ducked', 'paused', 'interrupted', 'asleep'];
  for (const seed of SEEDS) {
    const talk = (time) => ({ floor: floors[Math.floor(time * 1.7) % floors.length], level: { you: Math.abs(Math.sin(9 * time)), her: Math.abs(Math.cos(7 * time)) } });
    for (const { weights, head, breath } of lived(seed, 60, talk, 30)) {
      assert.equal(weights.length, ARKIT.length);
      assert.ok(weights.every((w) => w >= 0 && w <= 1) && head.every((angle) => Math.abs(angle) < 0.35));
      assert.ok(breath >= 0 && breath <= 1);
    }
  }
});

test('she blinks every two to six seconds, now and then twice, and with both eyes', () => {
  const gaps = [];
  for (const seed of SEEDS) {
    const poses = lived(seed, 200, 'listening', 30);
    const at = blinks(poses);
    assert.ok(poses.every(({ weights }) => weights[AT.eyeBlinkLeft] === weights[AT.eyeBlinkRight]));
    at.slice(1).forEach((time, k) => gaps.push(time - at[k]));
    const closed = poses.filter((p) => p.weights[AT.eyeBlinkLeft] > 0.9).length / 30 / at.length;
    assert.ok(closed > 0.02 && closed < 0.12, `closed ${closed} s a blink`);
  }
  const double = gaps.filter((gap) => gap < 0.4).length / gaps.length;
  assert.ok(double > 0.06 && double < 0.22, `${double} double`);
  assert.ok(gaps.every((gap) => gap < 6.3));
  const single = gaps.filter((gap) => gap >= 0.4);
  const mean = single.reduce((a, b) => a + b) / single.length;
  assert.ok(mean > 2.8 && mean < 4.2, `mean ${mean}`);
  assert.ok(single.some((gap) => gap < 2.5) && single.some((gap) => gap > 5));
});

test('she looks at who speaks, away while she thinks, and back when she answers', () => {
  for (const seed of SEEDS) {
    const settled = (floor) => lived(seed, 40, floor).filter((p) => p.time > 1);
    assert.ok(share(settled('hearing'), aside) < 0.25);
    assert.ok(share(settled('thinking'), aside) > 0.8);
    assert.ok(share(settled('speaking'), aside) < 0.5);
  }
  let up = 0;
  let back = 0;
  for (const seed of SEEDS) {
    const poses = lived(seed, 4, (time) => ({ floor: time < 2 ? 'thinking' : 'speaking', level: SILENT }));
    up += share(poses.filter((p) => p.time > 1 && p.time < 2), (p) => looks(p)[1] > 0) / SEEDS.length;
    back += (aside(poses.find((p) => p.time > 2.4)) ? 0 : 1) / SEEDS.length;
  }
  assert.ok(up > 0.6, `up ${up}`);
  assert.ok(back > 0.99, `back ${back}`);
});

test('eyes jump and the head glides after them', () => {
  let followed = 0;
  for (const seed of SEEDS) {
    const poses = lived(seed, 30, 'thinking', 100);
    for (let k = 1; k < poses.length; k++) {
      for (const axis of [0, 1, 2]) {
        assert.ok(Math.abs(poses[k].head[axis] - poses[k - 1].head[axis]) < 0.012, 'the head jumped');
      }
    }
    const far = poses.filter((p) => p.time > 1 && Math.abs(looks(p)[0]) > 0.15);
    followed += share(far, (p) => p.head[1] * looks(p)[0] > 0) / SEEDS.length;
    const speeds = poses.slice(1).map((p, k) => 100 * Math.abs(looks(p)[0] - looks(poses[k])[0]));
    assert.ok(Math.max(...speeds) > 4, 'no saccade');
  }
  assert.ok(followed > 0.85, `followed ${followed}`);
});

test('eyes stay on their target while the head nods', () => {
  for (const seed of SEEDS) {
    const poses = lived(seed, 30, chatting, 100);
    const steps = poses.slice(1).map((p, k) => ({ eye: Math.hypot(looks(p)[0] - looks(poses[k])[0], looks(p)[1] - looks(poses[k])[1]), head: Math.abs(p.head[0] - poses[k].head[0]) }));
    const resting = steps.filter((step) => step.eye < 1e-6);
    assert.ok(resting.length > 0.9 * steps.length);
    assert.ok(Math.max(...resting.map((step) => step.head)) > 0.002, 'the head did not nod');
  }
});

test('she nods when she is told to, and only then', () => {
  for (const seed of SEEDS) {
    const quiet = lived(seed, 30, 'hearing', 100);
    const dips = lived(seed, 30, chatting, 100).map((p, k) => p.head[0] - quiet[k].head[0]);
    dips.forEach((dip, k) => assert.ok(dip > -1e-9 && dip < 0.08 && (dip < 1e-9 || (k - 150) % 300 < 95), `${dip} at ${k / 100} s`));
    const peaks = dips.filter((dip, k) => k && dip > 0.02 && dip >= dips[k - 1] && dip > dips[k + 1]);
    assert.equal(peaks.length, 10 + 4);
    assert.ok(lived(seed, 20, () => ({ floor: 'hearing', level: { you: 0.6, her: 0 } }), 100).every((p, k) => p.head[0] === quiet[k].head[0]));
  }
});

test('a nod does not begin while she nods', () => {
  const often = lived(1, 10, () => ({ floor: 'hearing', level: SILENT, nods: [{ depth: 0.07, twice: true }] }), 100);
  for (let k = 1; k < often.length; k++) assert.ok(Math.abs(often[k].head[0] - often[k - 1].head[0]) < 0.02);
});

test('what the server says she is about counts, and not the floor', () => {
  for (const seed of SEEDS) {
    const poses = lived(seed, 20, () => ({ floor: 'speaking', level: SILENT, attention: 'thinking' })).filter((p) => p.time > 1);
    assert.ok(share(poses, aside) > 0.8);
  }
});

test('the mood of her words shows, comes and goes softly, and leaves gaze and lids alone', () => {
  const shapes = { joy: 'mouthSmileLeft', sadness: 'browInnerUp', anger: 'browDownLeft', amazement: 'browOuterUpLeft' };
  for (const [name, shape] of Object.entries(shapes)) {
    const felt = (time) => ({ floor: 'speaking', level: SILENT, mood: { name: time > 1 && time < 5 ? name : '', share: 1 } });
    const [poses, plain] = [lived(2, 9, felt, 100), lived(2, 9, 'speaking', 100)];
    const more = poses.map((p, k) => p.weights[AT[shape]] - plain[k].weights[AT[shape]]);
    assert.ok(more[450] > 0.05, `${name} ${more[450]}`);
    assert.ok(Math.abs(more[899]) < 0.01 && more.slice(0, 100).every((m) => m === 0));
    for (let k = 1; k < more.length; k++) assert.ok(Math.abs(more[k] - more[k - 1]) < 0.01);
    poses.forEach((p, k) => assert.equal(p.weights[AT.eyeBlinkLeft], plain[k].weights[AT.eyeBlinkLeft]));
  }
});

test('while she speaks her head and brows go with her loud words', () => {
  const motion = (talk, seed) => {
    const poses = lived(seed, 30, talk);
    return poses.slice(1).reduce((sum, p, k) => sum + Math.abs(p.head[0] - poses[k].head[0]) + Math.abs(p.head[2] - poses[k].head[2]), 0);
  };
  for (const seed of SEEDS) {
    assert.ok(motion(lecturing, seed) > 1.5 * motion('speaking', seed));
    const brows = lived(seed, 10, lecturing).map((p) => p.weights[AT.browOuterUpLeft]);
    assert.ok(Math.max(...brows) - Math.min(...brows) > 0.04);
  }
});

test('breath comes and goes about fourteen times a minute', () => {
  const full = lived(1, 60, 'listening').map((p) => p.breath);
  const peaks = full.filter((b, k) => k && k < full.length - 1 && b > full[k - 1] && b >= full[k + 1]);
  assert.ok(peaks.length >= 12 && peaks.length <= 17);
  assert.ok(Math.min(...full) < 0.01 && Math.max(...full) > 0.99);
});

test('the number of pictures a second changes nothing', () => {
  for (const seed of SEEDS) {
    const fast = lived(seed, 20, 'listening', 120);
    lived(seed, 20, 'listening', 24).forEach((pose, k) => {
      const same = (numbers, others, most) => numbers.every((n, i) => Math.abs(n - others[i]) < most);
      assert.ok(same(pose.weights, fast[5 * k].weights, 1e-3) && same(pose.head, fast[5 * k].head, 1e-4), `at ${pose.time} s`);
    });
  }
});

test('after a hidden hour, or a clock that went back, she goes on living', () => {
  for (const jump of [3600, -100]) {
    const life = new Life(5);
    for (let k = 0; k < 300; k++) life.at(200 + k / 60, { floor: 'listening', level: SILENT });
    const poses = Array.from({ length: 1200 }, (_, k) => ({ time: k / 60, ...life.at(205 + jump + k / 60, { floor: 'listening', level: SILENT }) }));
    assert.ok(poses[0].weights.every(Number.isFinite));
    assert.ok(blinks(poses).length >= 2);
  }
});

test('moods are quiet, differ between the states, and come without a jump', () => {
  const browsAt = (floor) => lived(2, 10, floor).at(-1).weights;
  const smile = (w) => w[AT.mouthSmileLeft];
  assert.ok(smile(browsAt('hearing')) > smile(browsAt('paused')) + 0.05);
  assert.ok(browsAt('thinking')[AT.browDownRight] > 0.05);
  const poses = lived(2, 10, (time) => ({ floor: time < 5 ? 'hearing' : 'thinking', level: SILENT }), 60);
  for (let k = 1; k < poses.length; k++) {
    for (const name of ['mouthSmileLeft', 'browDownRight', 'browInnerUp', 'mouthPressLeft']) {
      assert.ok(Math.abs(poses[k].weights[AT[name]] - poses[k - 1].weights[AT[name]]) < 0.02, name);
    }
    assert.ok(poses[k].weights.every((w, i) => /^eye(Blink|Look)/.test(ARKIT[i]) || w < 0.5));
  }
});
