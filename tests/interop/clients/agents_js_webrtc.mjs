// @openai/agents in a real Chromium, over its WebRTC transport: the library's own bundle, with a key of its own kind.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { KEY, News, SOUNDS, URL as BASE, ask, saw } from './scene.mjs';

const bundle = new URL('node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.umd.js', import.meta.url);
const browser = await chromium.launch({
  executablePath: process.env.SOPHIA_CHROMIUM,
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-background-timer-throttling',
    '--disable-features=LocalNetworkAccessChecks'],
});
const APP = 'https://app.lab'; // a page of somebody's own, which server.origins lets in
const context = await browser.newContext({ ignoreHTTPSErrors: true });
await context.route(`${APP}/**`, route => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));

async function open() {
  const one = { news: new News(), events: [], interrupted: 0, lost: false };
  one.of = kind => one.events.filter(e => e.type === kind);
  one.count = async (kind, number) => { await one.news.until(() => one.of(kind).length >= number); return one.of(kind)[number - 1]; };
  const told = { event: event => one.events.push(event), interrupted: () => { one.interrupted += 1; }, lost: () => { one.lost = true; },
    error: ({ error }) => { if (error?.error?.code) saw('error', { code: error.error.code }); } };
  const page = one.page = await context.newPage();
  await page.exposeFunction('tell', (what, fact) => { told[what](fact); one.news.tell(); });
  await page.goto(`${APP}/`);
  await page.evaluate(readFileSync(bundle, 'utf8'));
  const minted = await fetch(`${BASE}/realtime/client_secrets`, {
    method: 'POST', headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' }, body: '{}',
  });
  const { value } = await minted.json();
  await page.evaluate(async ({ apiKey, url }) => {
    const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebRTC } = globalThis.OpenAIAgentsRealtime;
    const sound = globalThis.sound = new AudioContext({ sampleRate: 24000 });
    const microphone = globalThis.microphone = sound.createMediaStreamDestination();
    const audioElement = new Audio();
    const transport = new OpenAIRealtimeWebRTC({ mediaStream: microphone.stream, audioElement });
    const agent = new RealtimeAgent({ name: 'Sophia', instructions: 'Answer shortly.' });
    const session = globalThis.session = new RealtimeSession(agent, { transport, model: 'sophia' });
    session.transport.on('*', event => tell('event', { ...event, at: performance.now() }));
    session.on('audio_interrupted', () => tell('interrupted'));
    session.on('error', error => tell('error', JSON.parse(JSON.stringify(error))));
    session.transport.on('connection_change', state => { if (state === 'disconnected') tell('lost'); });
    await session.connect({ apiKey, url });
  }, { apiKey: value, url: `${BASE}/realtime/calls` });
  await one.count('session.created', 1);
  one.say = name => page.evaluate(async data => {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    const source = sound.createBufferSource();
    source.buffer = await sound.decodeAudioData(bytes.buffer);
    source.connect(microphone);
    source.start();
  }, readFileSync(`${SOUNDS}/${name}.wav`).toString('base64'));
  one.history = () => page.evaluate(() => session.history);
  /** Waits until the history of the library is as it should be. */
  one.kept = async holds => {
    for (;;) {
      const history = await one.history();
      if (holds(history)) return history;
      await page.waitForTimeout(50);
    }
  };
  /** How loud what she said lately is, as the browser measured it. */
  one.energy = () => page.evaluate(async () => {
    const stats = await session.transport.connectionState.peerConnection.getStats();
    return [...stats.values()].find(entry => entry.type === 'inbound-rtp').totalAudioEnergy;
  });
  return one;
}

const one = await open();
await one.count('session.updated', 1);

const text = item => item.content.map(part => part.transcript ?? part.text ?? '').join('');
const last = (history, role) => history.filter(item => item.role === role).at(-1);

async function turn(words, number) {
  const before = await one.energy();
  await ask('hear', { words });
  await one.say('question');
  const { response } = await one.count('response.done', number), id = response.id;
  await one.news.until(() => one.of('output_audio_buffer.stopped').some(e => e.response_id === id));
  const history = await one.kept(all => last(all, 'user') && text(last(all, 'user')) === words && last(all, 'assistant')?.status === 'completed');
  const when = kind => one.of(`output_audio_buffer.${kind}`).find(e => e.response_id === id).at;
  saw('turn', {
    user: text(last(history, 'user')), agent: text(last(history, 'assistant')), status: last(history, 'assistant').status,
    seconds: (await one.energy()) - before > 0.01 ? (when('stopped') - when('started')) / 1000 : 0,
    deltas: one.of('response.output_audio_transcript.delta').filter(e => e.item_id === response.output[0].id).map(e => e.delta).join(''),
  });
}

await turn('where is my order', 1);
await turn('and where is the other one', 2);

await ask('hear', { words: 'where is my order' });
await one.say('question');
await one.count('output_audio_buffer.started', 3);
const starts = one.of('input_audio_buffer.speech_started').length + one.interrupted;
await one.page.waitForTimeout(500);
await ask('hear', { words: 'mhm' });
await one.say('backchannel');
const calm = await one.count('response.done', 3);
saw('backchannel', { status: calm.response.status, starts: one.of('input_audio_buffer.speech_started').length + one.interrupted - starts });

await ask('hear', { words: 'where is my order' });
await one.say('question');
const { item } = await one.count('response.output_item.added', 4);
await one.news.until(() => one.of('response.output_audio_transcript.delta').filter(e => e.item_id === item.id).length >= 6);
await ask('hear', { words: 'no stop that please' });
await one.say('question');
const { response } = await one.count('response.done', 4);
const kept = (await one.kept(all => all.find(e => e.itemId === item.id)?.status === 'incomplete')).find(e => e.itemId === item.id);
await one.count('output_audio_buffer.cleared', 1);
await one.count('response.done', 5);
const truncated = one.of('conversation.item.truncated')[0];
saw('interruption', { status: response.status, reason: response.status_details.reason, heard: text(kept), item: kept.status, server: truncated.sophia.heard });

await one.page.evaluate(() => session.transport.sendEvent({ type: 'response.cancel' }));
await turn('where is my order', 6);

await ask('kill');
await one.news.until(() => one.lost, 40); // ICE takes its time
await ask('restart');
const again = await open();
saw('again', { first: again.of('session.created')[0].type });
await again.page.evaluate(() => session.close());
await browser.close();
process.exit(0);
