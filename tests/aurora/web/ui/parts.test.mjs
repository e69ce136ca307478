// Smaller pure parts of the page: loudness, settings, keys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Envelope, bars } from '../../../../aurora/web/src/ui/envelope.js';
import { command } from '../../../../aurora/web/src/ui/keyboard.js';
import { Settings } from '../../../../aurora/web/src/ui/settings.js';
import { takeKey } from '../../../../aurora/web/src/ui/key.js';

test('the envelope keeps the loudest of each 20 ms, and not for ever', () => {
  const envelope = new Envelope();
  for (let at = 0; at < 200_000; at += 5) envelope.note({ at, you: at % 20 === 10 ? 0.9 : 0.1, her: 0 });
  assert.ok(envelope.past.length <= 3001);
  assert.ok(envelope.between(199_000, 199_990).every(one => one.you === 0.9));
  assert.equal(envelope.between(0, 1000).length, 0);
});

test('bars lie where the sound was', () => {
  const scale = { zero: 1000, before: 400, end: 1200, step: 20 };
  assert.equal(bars([{ at: 1000, you: 0, her: 0 }], 'you', scale), '', 'silence draws nothing');
  assert.match(bars([{ at: 1000, you: 1, her: 0 }], 'you', scale), /^M250\.0 1\.4h/);
  assert.equal(bars([{ at: 500, you: 1, her: 0 }, { at: 2300, you: 1, her: 0 }], 'you', scale), '', 'outside');
});

function storage(values = {}) {
  return { getItem: name => values[name] ?? null, setItem: (name, value) => { values[name] = value; } };
}

test('settings are remembered, and nonsense in the storage is not believed', () => {
  const values = { 'sophia.theme': 'dark', 'sophia.captions': 'huge', 'sophia.lips': '1e9' };
  const settings = new Settings(() => storage(values));
  assert.equal(settings.choice('theme'), 'dark');
  assert.equal(settings.choice('captions'), 'm');
  assert.equal(settings.lips, 300);
  assert.equal(settings.on('keys'), true);
  settings.set('keys', 'off');
  assert.equal(new Settings(() => storage(values)).on('keys'), false);
});

test('without a storage they hold for the visit', () => {
  for (const open of [() => { throw new Error('denied'); }, () => ({ getItem() { throw new Error(); }, setItem() { throw new Error('full'); } })]) {
    const settings = new Settings(open);
    settings.set('theme', 'light');
    assert.equal(settings.choice('theme'), 'light');
    assert.equal(settings.lips, 0);
  }
});

test('keys are commands unless somebody types, or has switched them off', () => {
  const free = { typing: false, shortcuts: true, dialog: false };
  assert.equal(command({ key: 'T' }, free), 'talk');
  assert.equal(command({ key: '?' }, free), 'help');
  assert.equal(command({ key: 't', ctrlKey: true }, free), null);
  assert.equal(command({ key: 't', repeat: true }, free), null);
  assert.equal(command({ key: 'Tab' }, free), null);
  assert.equal(command({ key: 't' }, { ...free, typing: true }), null);
  assert.equal(command({ key: 't' }, { ...free, shortcuts: false }), null);
  assert.equal(command({ key: 'Escape' }, { ...free, shortcuts: false, typing: true }), 'escape');
  assert.equal(command({ key: 'Escape' }, { ...free, dialog: true }), null);
});

test('the server’s key comes in the address, leaves it, and stays with the tab', () => {
  const kept = {}, shown = [];
  const browser = hash => ({
    location: { hash, pathname: '/', search: '?x' }, history: { replaceState: (_, __, url) => shown.push(url) }, sessionStorage: storage(kept),
  });
  assert.equal(takeKey(browser('')), null);
  assert.equal(takeKey(browser('#key=a%2Bb')), 'a+b');
  assert.deepEqual(shown, ['/?x']);
  assert.equal(takeKey(browser('')), 'a+b');
  assert.equal(takeKey({ ...browser('#key=new'), sessionStorage: { setItem() { throw new Error(); } } }), 'new');
});
