// Captions by the clock of her sound.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Spoken, split, tongue } from '../../../../aurora/web/src/ui/words.js';
import { random } from './random.mjs';

const words = (text, from = 0) => text.split(' ').map((one, index) => ({ text: ` ${one}`, start: from + index, end: from + index + 0.8 }));
const fates = reply => reply.words.map((_, index) => reply.fate(index)[0]).join('');

test('words are seen when they are heard, not when they come', () => {
  const reply = new Spoken('a');
  reply.append(words('once there was a lighthouse'));
  assert.equal(fates(reply), 'aaaaa');
  reply.hear(-0.1);
  assert.equal(fates(reply), 'aaaaa');
  reply.hear(0);
  assert.equal(fates(reply), 'haaaa');
  reply.hear(2.5);
  assert.equal(fates(reply), 'hhhaa');
});

test('what was heard stays heard when she resumes a little earlier', () => {
  const reply = new Spoken('a');
  reply.append(words('one two three'));
  reply.hear(1.5);
  reply.hear(0.9);
  assert.equal(fates(reply), 'hha');
});

test('what was never heard is struck when she is cut off', () => {
  const reply = new Spoken('a');
  reply.append(words('one two three four'));
  reply.hear(1.9);
  reply.cut(1.2);
  assert.equal(fates(reply), 'hhuu');
  reply.hear(99);
  reply.append(words('five', 4));
  assert.equal(fates(reply), 'hhuuu');
  assert.deepEqual(reply.halves(), ['one two', 'three four five']);
});

test('a cut takes back what the clock had run ahead with', () => {
  const reply = new Spoken('a');
  reply.append(words('one two three'));
  reply.hear(2.1);
  reply.cut(1.5);
  assert.equal(fates(reply), 'hhu');
});

test('clauses that come before anything of the line was read join it; later ones begin a line', () => {
  const reply = new Spoken('a');
  reply.append(words('yes'));
  reply.append(words('I can', 1));
  assert.deepEqual([...reply.breaks], []);
  reply.hear(0.5);
  reply.append(words('hear you', 3));
  assert.deepEqual([...reply.breaks], [3]);
  reply.append(words('well', 5));
  assert.deepEqual([...reply.breaks], [3], 'nothing of the second line was read yet');
  reply.hear(3.5);
  reply.append(words('today', 6));
  assert.deepEqual([...reply.breaks], [3, 6]);
});

test('at no time a word is added to a line of which something was read', () => {
  const chance = random(13);
  for (let round = 0; round < 300; round++) {
    const reply = new Spoken('a');
    let end = 0;
    for (let step = 0; step < 30; step++) {
      if (chance() < 0.5) {
        const count = reply.words.length;
        const from = Math.max(0, ...[...reply.breaks].filter(one => one <= count - 1));
        const read = reply.heard > from && count > 0;
        const added = words('a b c'.slice(0, 1 + 2 * Math.floor(3 * chance())), end);
        end += added.length;
        reply.append(added);
        assert.equal(reply.breaks.has(count), read);
      } else reply.hear(end * chance());
    }
  }
});

test('what may still change begins at a word', () => {
  assert.deepEqual(split('what is seventeen', 10), ['what is ', 'seventeen']);
  assert.deepEqual(split('what is seventeen', 8), ['what is ', 'seventeen']);
  assert.deepEqual(split('what is', 7), ['what is', '']);
  assert.deepEqual(split('what is', 99), ['what is', '']);
  assert.deepEqual(split('what', 0), ['', 'what']);
  assert.deepEqual(split('', 0), ['', '']);
});

test('where no spaces part words, what may still change begins at a word all the same', () => {
  assert.deepEqual(split('我的订单在哪里', 3), ['我的', '订单在哪里']);
  assert.deepEqual(split('東京の天気は', 4), ['東京の', '天気は']);
  assert.deepEqual(split('the 订单在哪里', 7), ['the 订单在', '哪里']);
  assert.deepEqual(split('مرحبا كيف حالك', 8), ['مرحبا ', 'كيف حالك']);
});

test('letters that look otherwise in another language say which one they are of', () => {
  assert.deepEqual(['東京の天気', '订单', '안녕', 'hello', ''].map(tongue), ['ja', 'zh', 'ko', '', '']);
});
