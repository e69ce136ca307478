import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAME, Framer } from '../../../../aurora/web/src/talk/framer.js';

/** Frames of `seconds` of an impulse train, in blocks of 128 as an audio thread gives them. */
function frames(framer, rate, seconds, { begin = 0, sample = () => 0 } = {}) {
  const got = [];
  for (let n = 0; n + 128 <= rate * seconds; n += 128) {
    const block = Float32Array.from({ length: 128 }, (_, i) => sample(n + i));
    got.push(...framer.push(block, begin + n / rate));
  }
  return got;
}

for (const rate of [16000, 44100, 48000, 96000])
  test(`fifty frames a second at ${rate} Hz, each with the time of its first sample`, () => {
    const got = frames(new Framer(rate), rate, 2, { begin: 7 });
    assert.ok(got.length >= 98 && got.length <= 100);
    got.forEach(({ t, pcm }, n) => {
      assert.equal(pcm.length, FRAME);
      assert.ok(Math.abs(t - (7 + n / 50)) < 1e-9);
    });
  });

test('a click lies in its frame at its time', () => {
  const got = frames(new Framer(48000), 48000, 1, { begin: 3, sample: n => (n === 24480 ? 1 : 0) }); // at 0.51 s
  const loudest = got.flatMap(({ t, pcm }) => [...pcm].map((value, n) => [Math.abs(value), t + n / 16000])).sort((a, b) => b[0] - a[0])[0];
  assert.ok(Math.abs(loudest[1] - 3.51) < 1 / 16000);
});

test('after a hole the marks are those of the new stream', () => {
  const framer = new Framer(48000);
  frames(framer, 48000, 0.1);
  const after = frames(framer, 48000, 0.1, { begin: 5 });
  assert.equal(after[0].t, 5);
  assert.equal(after[1].t, 5.02);
});

test('the level is that of full scale', () => {
  const [, loud] = frames(new Framer(48000), 48000, 0.2, { sample: n => Math.sin((2 * Math.PI * 440 * n) / 48000) });
  assert.ok(Math.abs(loud.db + 3) < 0.3);
  assert.equal(frames(new Framer(48000), 48000, 0.2)[1].db, -100);
});
