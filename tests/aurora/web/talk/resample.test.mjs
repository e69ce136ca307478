import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Resampler } from '../../../../aurora/web/src/talk/resample.js';

const tone = (hertz, rate, seconds) => Float32Array.from({ length: Math.round(rate * seconds) }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hertz * n) / rate));
const join = parts => {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};
const convert = (input, from, to, cut = () => 128) => {
  const resampler = new Resampler(from, to), parts = [];
  for (let at = 0; at < input.length; ) {
    const size = cut();
    parts.push(resampler.push(input.subarray(at, at + size)));
    at += size;
  }
  return join([...parts, resampler.flush()]);
};
const decibels = (got, wanted) => {
  const edge = 400; // the stream begins and ends out of silence
  let signal = 0, noise = 0;
  for (let n = edge; n < wanted.length - edge; n++) {
    signal += wanted[n] ** 2;
    noise += (wanted[n] - got[n]) ** 2;
  }
  return 10 * Math.log10(signal / noise);
};

for (const [from, to] of [[48000, 16000], [44100, 16000], [96000, 16000], [24000, 44100], [24000, 48000], [16000, 48000], [16000, 16000]])
  for (const hertz of [100, 1000, 3000, 5500])
    test(`a tone of ${hertz} Hz comes through from ${from} to ${to}`, () => {
      const got = convert(tone(hertz, from, 0.5), from, to);
      assert.equal(got.length, to / 2);
      assert.ok(decibels(got, tone(hertz, to, 0.5)) > 60);
    });

test('what the lower rate cannot hold is taken out', () => {
  for (const hertz of [8800, 12000, 20000]) {
    const got = convert(tone(hertz, 48000, 0.5), 48000, 16000).subarray(400, 7600);
    assert.ok(Math.max(...got.map(Math.abs)) < 0.5 * 10 ** (-70 / 20), `${hertz} Hz`);
  }
});

test('rates with too many phases for the table take the nearest one', () => {
  const got = convert(tone(1000, 44101, 0.5), 44101, 16000);
  assert.ok(decibels(got, tone(1000, 16000, 0.5)) > 50);
});

test('where a stream is cut leaves no trace', () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) % 700 + 1;
  for (const [from, to] of [[48000, 16000], [44100, 16000], [24000, 44100]]) {
    const input = tone(440, from, 0.3), whole = convert(input, from, to, () => input.length);
    assert.deepEqual(convert(input, from, to, () => 128), whole);
    assert.deepEqual(convert(input, from, to, random), whole);
  }
});

test('an hour does not drift by one sample', () => {
  const resampler = new Resampler(44100, 16000, 1), minute = new Float32Array(44100 * 60);
  let made = 0;
  for (let n = 0; n < 60; n++) made += resampler.push(minute).length;
  assert.equal(made + resampler.flush().length, 3600 * 16000);
});

test('rates that are none are refused', () => {
  assert.throws(() => new Resampler(0, 16000), RangeError);
  assert.throws(() => new Resampler(44100.5, 16000), RangeError);
});
