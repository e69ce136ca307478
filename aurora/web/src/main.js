// @ts-check
// The page in a browser: asks the server what it is, and opens.
import { Life, Performer } from './life/index.js';
import { TalkSession } from './talk/session.js';
import { takeKey } from './ui/key.js';
import { Page } from './ui/page.js';

const UNKNOWN = { name: 'Sophia', host: '', watch: false, budget_ms: 800, secure_url: null, key_needed: false, model: null };

/** What the server tells of itself; null where it does not answer. @returns {Promise<import('./types.d.ts').PageInfo|null>} */
async function ask() {
  try {
    const answer = await fetch('page.json', { cache: 'no-store', signal: AbortSignal.timeout(10_000) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

const key = takeKey(window);
const info = await ask();
const page = new Page(info ?? UNKNOWN, {
  session: (about, options) => new TalkSession(about, { ...options, key }),
  stage: () => import('./stage/index.js'),
  life: new Life(Date.now() % 1000),
  performer: new Performer(),
  ask,
  key,
});
if (!info) page.tell({ type: 'nopage' });
Object.assign(window, { sophia: { log: page.log, page } });
