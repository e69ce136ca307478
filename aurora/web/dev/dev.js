// @ts-check
// The page with a script instead of a server. In the folder aurora: python -m http.server 8000 --bind 127.0.0.1, then
// http://127.0.0.1:8000/web/dev/?turns=7
//
//   turns=7              so many earlier turns         play          talk at once
//   at=6.4               stand still at that second    watch         as somebody who watches
//   scene=talk,granted   play these events             panel=none    or latency, settings
//   theme captions quality                             as in the settings
//   consent=sound        a server that keeps what users agree to; this is its own choice
//   choose=3             look at the third turn        head=URL      another GLB; none: the ring
//   insecure             as on an address without HTTPS
import { earlier } from './script.js';
import { MockSession } from './mock.js';

const ask = new URLSearchParams(location.search);
const at = ask.has('at') ? Number(ask.get('at')) : null;

/** The page from its sources, so that no build is between. Scripts that came by DOMParser do not run. */
async function adopt() {
  const text = await (await fetch('../src/index.html')).text();
  const page = new DOMParser().parseFromString(text, 'text/html');
  const sheet = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '../src/css/style.css' });
  const dressed = new Promise(done => sheet.addEventListener('load', done));
  document.head.append(sheet);
  await dressed;
  Object.assign(document.documentElement.dataset, page.documentElement.dataset);
  document.body.replaceWith(document.adoptNode(page.body));
}

/** What GET /page.json would answer. */
function info() {
  const head = ask.get('head');
  return {
    name: 'Sophia', host: 'spark-1', watch: ask.has('watch'), budget_ms: 800,
    secure_url: ask.has('insecure') ? 'https://spark-1:8765' : null, key_needed: false,
    consent: ask.get('consent') ?? 'numbers', consents: ask.has('consent') ? ['numbers', 'words', 'sound'] : ['numbers'],
    model: head === 'none' ? null : { url: head ?? '../../head/sophia.glb', light_url: null, kind: /** @type {const} */ ('glb'), name: 'sophia', missing: ['tongueOut'] },
  };
}

/** The page's parts that draw. */
async function parts() {
  const { Life, Performer } = await import('../src/life/index.js');
  return {
    session: (/** @type {any} */ page, /** @type {any} */ options) => new MockSession(page, options, { at, first: Number(ask.get('turns') ?? 0) }),
    stage: () => import(new URL('../static/stage.js', import.meta.url).href),
    ask: async () => info(),
    life: new Life(7), performer: new Performer(),
  };
}

/** Fills the list with turns from before. @param {any} page @param {number} count */
function fill(page, count) {
  for (const { ledger, reply, voices } of earlier(count)) {
    page.talk.tell({ type: 'turn', turn: ledger.turn });
    page.talk.tell({ type: 'reply', ...reply });
    page.talk.turns.replyOf(reply.item).hear(1e9);
    page.talk.turns.of(ledger.turn).voices = voices;
    page.talk.tell({ type: 'done', ledger });
  }
  page.talk.restart();
}

/** Plays the script up to `at` without waiting, then stands still. @param {any} page */
function rush(page) {
  page.act(ask.has('watch') ? 'watch' : 'talk');
  const { session } = page;
  for (let t = 0; t < Number(at); t += 0.02) {
    session.seek(t);
    const floor = page.state.floor;
    page.talk.tick({ now: session.now(), position: session.position(), levels: session.levels(), floor });
  }
  session.seek(at);
}

await adopt();
const { Page } = await import('../src/ui/page.js');
for (const name of ['theme', 'captions', 'quality', 'keys', 'typing']) {
  const value = ask.get(name);
  if (value) localStorage.setItem(`sophia.${name}`, value);
}
const page = new Page(info(), await parts());
Object.assign(window, { sophia: { log: page.log, page } });
if (ask.has('turns')) fill(page, Number(ask.get('turns')));
if (ask.has('panel')) page.panels.show(ask.get('panel') ?? 'none');
if (at !== null) rush(page);
else if (ask.has('play')) page.act('talk');
for (const type of (ask.get('scene') ?? '').split(',').filter(Boolean)) {
  page.tell({ type, retry: { in: 4, attempt: 2, of: 6 }, places: 8, service: ask.get('service') ?? 'llm' });
}
if (ask.has('choose')) page.talk.choose(page.talk.turns.list[Number(ask.get('choose')) - 1]);
document.documentElement.dataset.ready = 'true';
