// The least page that talks: the real session and the real performer, drawn by a timer into a log instead of a canvas.
import { ARKIT } from './src/arkit.js';
import { Performer } from './src/life/performer.js';
import { TalkSession } from './src/talk/session.js';

const session = new TalkSession({}, { raw: true });
const performer = new Performer(), rest = { weights: new Float32Array(ARKIT.length), head: [0, 0, 0], breath: 0 };
const JAW = ARKIT.indexOf('jawOpen');
const log = [], events = [];

function draw() {
  const now = performance.now() / 1000, said = session.weights(now), pose = performer.perform(rest, said, now);
  const mouth = Math.max(...pose.weights);
  log.push({ kind: 'draw', at: session.time(), now: session.speaker?.context.currentTime ?? 0, ...session.drawn(), said: said ? said[JAW] : null, mouth });
}

session.addEventListener('page', ({ detail }) => events.push({ ...detail, log: log.length }));
document.querySelector('#talk').onclick = () => session.talk();
document.querySelector('#watch').onclick = () => session.watch();
setInterval(draw, 33);
window.sophia = { log, events, session };
