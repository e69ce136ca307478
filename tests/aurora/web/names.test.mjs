// Spellings of blendshapes: the page understands what aurora/names.py understands.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ARKIT, AT, arkitName } from '../../../aurora/web/src/arkit.js';

const { cases } = JSON.parse(readFileSync(new URL('names.json', import.meta.url), 'utf8'));

test('each spelling means what the table says', () => {
  for (const [spelling, meant] of cases) assert.equal(arkitName(spelling), meant, JSON.stringify(spelling));
});

test('every name means itself in the usual spellings', () => {
  assert.equal(ARKIT.length, 52);
  for (const name of ARKIT) {
    assert.equal(ARKIT[AT[name]], name);
    const short = name.replace(/Left$/, '_L').replace(/Right$/, '_R');
    for (const spelling of [name, short, name.toUpperCase(), `blendShape1.${short}`]) assert.equal(arkitName(spelling), name);
  }
});

test('a name without end costs nothing', () => {
  assert.equal(arkitName('.'.repeat(1e6)), null);
});
