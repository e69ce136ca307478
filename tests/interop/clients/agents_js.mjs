// @openai/agents: RealtimeSession over its WebSocket transport, with the session's own history and interruption.
import { RealtimeAgent, RealtimeSession } from '@openai/agents/realtime';
import { KEY, News, RATE, SOCKET, Voice, ask, saw } from './scene.mjs';

async function open() {
  const agent = new RealtimeAgent({ name: 'Sophia', instructions: 'Answer shortly.' });
  const session = new RealtimeSession(agent, { transport: 'websocket', model: 'sophia' });
  const one = { session, news: new News(), events: [], audio: 0, interrupted: 0, lost: false };
  one.of = kind => one.events.filter(e => e.type === kind);
  one.count = async (kind, number) => { await one.news.until(() => one.of(kind).length >= number); return one.of(kind)[number - 1]; };
  session.transport.on('*', event => { one.events.push(event); one.news.tell(); });
  session.on('audio', event => { one.audio += event.data.byteLength; });
  session.on('audio_interrupted', () => { one.interrupted += 1; });
  session.on('error', ({ error }) => { if (error?.error?.code) saw('error', { code: error.error.code }); });
  session.transport.on('connection_change', state => { if (state === 'disconnected') { one.lost = true; one.news.tell(); } });
  await session.connect({ apiKey: KEY, url: SOCKET });
  await one.count('session.created', 1);
  return one;
}

const one = await open(), { session } = one;
await one.count('session.updated', 1);
const voice = new Voice(frame => { if (!one.lost) session.sendAudio(frame.buffer.slice(frame.byteOffset, frame.byteOffset + frame.length)); });

const text = item => item.content.map(part => part.transcript ?? part.text ?? '').join('');
const last = role => session.history.filter(item => item.role === role).at(-1);

async function turn(words, number) {
  const before = one.audio;
  await ask('hear', { words });
  voice.say('question');
  const { response } = await one.count('response.done', number);
  const id = response.output[0].id;
  await one.news.until(() => last('user') && text(last('user')) === words);
  saw('turn', {
    user: text(last('user')), agent: text(last('assistant')), seconds: (one.audio - before) / 2 / RATE, status: last('assistant').status,
    deltas: one.of('response.output_audio_transcript.delta').filter(e => e.item_id === id).map(e => e.delta).join(''),
  });
}

await turn('where is my order', 1);
await turn('and where is the other one', 2);

await ask('hear', { words: 'where is my order' });
voice.say('question');
await one.count('response.output_item.added', 3);
const played = one.of('response.output_audio.delta').length, starts = one.of('input_audio_buffer.speech_started').length + one.interrupted;
await one.count('response.output_audio.delta', played + 2);
await ask('hear', { words: 'mhm' });
voice.say('backchannel');
const calm = await one.count('response.done', 3);
saw('backchannel', { status: calm.response.status, starts: one.of('input_audio_buffer.speech_started').length + one.interrupted - starts });

await ask('hear', { words: 'where is my order' });
voice.say('question');
const { item } = await one.count('response.output_item.added', 4);
await one.news.until(() => one.of('response.output_audio.delta').filter(e => e.item_id === item.id).length >= 8);
await ask('hear', { words: 'no stop that please' });
voice.say('question');
const { response } = await one.count('response.done', 4);
await one.news.until(() => session.history.find(e => e.itemId === item.id)?.status === 'incomplete');
await one.count('response.done', 5);
const kept = session.history.find(e => e.itemId === item.id); // what the library itself says was heard
saw('interruption', { status: response.status, reason: response.status_details.reason, heard: text(kept), item: kept.status });

session.transport.sendEvent({ type: 'response.cancel' });
await turn('where is my order', 6);

await ask('kill');
await one.news.until(() => one.lost, 2);
voice.close();
await ask('restart');
const again = await open();
saw('again', { first: again.of('session.created')[0].type });
again.session.close();
process.exit(0);
