// What the server tells of her silent face: looked at before it is believed, and along the sound.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gestures, MOODS } from '../../../../aurora/web/src/talk/gestures.js';
import MIX from '../../../../aurora/head/moods.json' with { type: 'json' };

const at = (item, seconds, playing = true) => ({ item, seconds, playing });
const mood = (item_id, ms, name, share = 1) => ({ type: 'sophia.mood', item_id, audio_start_ms: ms, mood: name, share });

test('attention is the last that was told, and none before that', () => {
  const gestures = new Gestures();
  assert.equal(gestures.shown(null, 0).attention, null);
  for (const to of ['hearing', 'thinking', 'asleep', 7]) gestures.take({ type: 'sophia.attention', to });
  assert.equal(gestures.shown(null, 0).attention, 'thinking');
});

test('a nod is given once, no deeper than a nod is, and few wait', () => {
  const gestures = new Gestures();
  gestures.take({ type: 'sophia.nod', depth: 9, twice: 'yes' });
  assert.deepEqual(gestures.shown(null, 0).nods, [{ depth: 0.2, twice: false }]);
  assert.deepEqual(gestures.shown(null, 0).nods, []);
  for (const depth of ['deep', NaN, -1, ...Array(20).fill(0.05)]) gestures.take({ type: 'sophia.nod', depth, twice: true });
  assert.equal(gestures.shown(null, 0).nods.length, 4);
});

test('a mood begins where its sound begins, and is none in silence', () => {
  const gestures = new Gestures();
  assert.deepEqual(gestures.take(mood('a', 0, 'joy', 0.6)), [{ type: 'mood', mood: 'joy' }]);
  assert.deepEqual(gestures.take(mood('a', 1500, '')), []);
  gestures.take(mood('b', 200, 'sadness'));
  const name = (...where) => gestures.shown(at(...where), 1).mood.name;
  assert.deepEqual([name('a', 0), name('a', 1.49), name('a', 1.5), name('b', 0.1), name('b', 0.2), name('c', 9)], ['joy', 'joy', '', '', 'sadness', '']);
  assert.equal(gestures.shown(at('a', 1), 2).mood.share, 0.6);
  assert.equal(gestures.shown(at('a', 1, false), 2.5).mood.name, 'joy', 'between two sounds');
  assert.equal(gestures.shown(null, 2.7).mood.name, '');
});

test('what makes no sense is left out, and little is kept', () => {
  const gestures = new Gestures();
  for (const event of [mood(7, 0, 'joy'), mood('a', '0', 'joy'), mood('a', 0, 'bliss'), mood('a', 0, 'joy', NaN), mood('a', 0, 'constructor')]) {
    assert.deepEqual(gestures.take(event), []);
  }
  assert.equal(gestures.moods.size, 0);
  for (let k = 0; k < 50; k++) gestures.take(mood(`item ${k}`, 0, 'joy'));
  assert.equal(gestures.moods.size, 8);
  for (let k = 0; k < 5000; k++) gestures.take(mood('item 49', k, 'joy'));
  assert.ok(gestures.moods.get('item 49').length <= 1000);
});

test('her head knows every mood that she can be in', () => {
  assert.equal(Object.keys(MOODS).length, 10);
  for (const name of ['joy', 'sadness', 'surprise', 'anger', 'disgust', 'fear']) assert.ok(name in MIX);
});
