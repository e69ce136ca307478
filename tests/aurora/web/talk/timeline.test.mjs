import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARKIT } from '../../../../aurora/web/src/arkit.js';
import { FaceTimeline, order } from '../../../../aurora/web/src/talk/timeline.js';

const JAW = ARKIT.indexOf('jawOpen'), BLINK = ARKIT.indexOf('eyeBlinkLeft');
const rows = (count, value) => Array.from({ length: count }, (_, k) => new Uint8Array(52).fill(value(k)));
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

test('between two frames lies the pose between theirs', () => {
  const face = new FaceTimeline();
  face.add('a', 0, 10, rows(3, k => 100 * k));
  const shown = face.at('a', 0.05);
  near(shown.code, 0.05);
  near(shown.weights[JAW], 50 / 255);
  near(face.at('a', 0.1).weights[JAW], 100 / 255);
});

test('before the first frame and after the last there is nothing; the last one stays for one picture', () => {
  const face = new FaceTimeline();
  face.add('a', 1, 30, rows(2, () => 9));
  assert.equal(face.at('a', 0.99), null);
  near(face.at('a', 1 + 1 / 30 + 0.03).code, 1 + 1 / 30);
  assert.equal(face.at('a', 1 + 1 / 30 + 0.04), null);
  assert.equal(face.at('b', 1), null);
});

test('a hole is not bridged', () => {
  const face = new FaceTimeline();
  face.add('a', 0, 30, rows(2, () => 1));
  face.add('a', 1, 30, rows(2, () => 2));
  assert.equal(face.at('a', 0.5), null);
  near(face.at('a', 1).weights[JAW], 2 / 255);
});

test('frames come in any order, and the later word counts', () => {
  const face = new FaceTimeline();
  face.add('a', 0.5, 30, rows(15, () => 5));
  face.add('a', 0, 30, rows(15, () => 4));
  face.add('a', 0.5, 30, rows(1, () => 7));
  near(face.at('a', 0.2).weights[JAW], 4 / 255);
  near(face.at('a', 0.5).weights[JAW], 7 / 255);
});

test('what is cleared stays cleared, and nothing else is', () => {
  const face = new FaceTimeline();
  face.add('a', 0, 30, rows(9, () => 1));
  face.add('b', 0, 30, rows(9, () => 2));
  face.clear('a');
  assert.equal(face.at('a', 0.1), null);
  assert.equal(face.add('a', 0, 30, rows(9, () => 1)), false);
  assert.equal(face.at('a', 0.1), null);
  near(face.at('b', 0.1).weights[JAW], 2 / 255);
});

test('five minutes of an item are kept, and four items', () => {
  const face = new FaceTimeline();
  for (let minute = 0; minute < 7; minute++) face.add('long', 60 * minute, 30, rows(1800, () => 3));
  assert.equal(face.at('long', 30), null);
  assert.ok(face.at('long', 419.9));
  for (const item of ['b', 'c', 'd', 'e']) face.add(item, 0, 30, rows(2, () => 1));
  assert.equal(face.at('long', 419.9), null);
  assert.ok(face.at('b', 0));
  assert.equal(face.add('long', 420, 30, rows(2, () => 1)), false, 'too old');
});

test('the mouth has the same number while it stays exactly the same, whatever the eyes do', () => {
  const face = new FaceTimeline(), frame = (jaw, blink) => Object.assign(new Uint8Array(52), { [JAW]: jaw, [BLINK]: blink });
  face.add('a', 0, 10, [frame(1, 0), frame(1, 200), frame(2, 200)]);
  assert.equal(face.at('a', 0).mouth, face.at('a', 0.1).mouth);
  assert.notEqual(face.at('a', 0.1).mouth, face.at('a', 0.2).mouth);
});

test('rows are put into order by name; unknown names are left out, bytes that do not add up refused', () => {
  const rowsOf = order(['tongueOut', 'Somebody', 'JawOpen']);
  const [first, second] = rowsOf(new Uint8Array([1, 2, 3, 4, 5, 6]), 2);
  assert.deepEqual([first[51], first[JAW], second[51], second[JAW]], [1, 3, 4, 6]);
  assert.equal(first.reduce((sum, value) => sum + value, 0), 4);
  assert.equal(rowsOf(new Uint8Array(7), 2), null);
});
