// openai-node: OpenAIRealtimeWS from 'openai/realtime/ws', over wss.
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { KEY, News, RATE, URL, Voice, ask, saw } from './scene.mjs';

const client = new OpenAI({ apiKey: KEY, baseURL: URL });

async function open() {
  const realtime = await OpenAIRealtimeWS.create(client, { model: 'sophia' });
  const session = { realtime, news: new News(), events: [], lost: false, of: kind => session.events.filter(e => e.type === kind) };
  realtime.on('event', event => { session.events.push(event); session.news.tell(); });
  realtime.on('error', error => { if (error.error) saw('error', { code: error.error.code }); });
  realtime.socket.on('close', () => { session.lost = true; session.news.tell(); });
  session.count = async (kind, number) => {
    await session.news.until(() => session.of(kind).length >= number);
    return session.of(kind)[number - 1];
  };
  await session.count('session.created', 1);
  return session;
}

const one = await open(), { realtime } = one;
const voice = new Voice(frame => { if (!one.lost) realtime.send({ type: 'input_audio_buffer.append', audio: frame.toString('base64') }); });
realtime.send({ type: 'session.update', session: { type: 'realtime', audio: { input: { turn_detection: { type: 'server_vad' } } } } });
await one.count('session.updated', 1);

async function turn(words, number) {
  await ask('hear', { words });
  voice.say('question');
  const { response } = await one.count('response.done', number), [item] = response.output;
  const mine = kind => one.of(kind).filter(e => e.item_id === item.id).map(e => e.delta);
  saw('turn', {
    user: one.of('conversation.item.input_audio_transcription.completed').at(-1).transcript, agent: item.content[0].transcript,
    deltas: mine('response.output_audio_transcript.delta').join(''), status: response.status,
    seconds: mine('response.output_audio.delta').reduce((sum, delta) => sum + Buffer.from(delta, 'base64').length, 0) / 2 / RATE,
  });
}

await turn('where is my order', 1);
await turn('and where is the other one', 2);

await ask('hear', { words: 'where is my order' });
voice.say('question');
await one.count('response.output_item.added', 3);
const before = one.of('response.output_audio.delta').length, starts = one.of('input_audio_buffer.speech_started').length;
await one.count('response.output_audio.delta', before + 2);
await ask('hear', { words: 'mhm' });
voice.say('backchannel');
const calm = await one.count('response.done', 3);
saw('backchannel', { status: calm.response.status, starts: one.of('input_audio_buffer.speech_started').length - starts });

await ask('hear', { words: 'where is my order' });
voice.say('question');
const { item } = await one.count('response.output_item.added', 4);
await one.news.until(() => one.of('response.output_audio.delta').filter(e => e.item_id === item.id).length >= 8);
await ask('hear', { words: 'no stop that please' });
voice.say('question');
const { response } = await one.count('response.done', 4);
realtime.send({ type: 'conversation.item.truncate', item_id: item.id, content_index: 0, audio_end_ms: 400 });
await one.count('conversation.item.truncated', 2);
realtime.send({ type: 'conversation.item.retrieve', item_id: item.id });
const kept = (await one.count('conversation.item.retrieved', 1)).item;
saw('interruption', { status: response.status, reason: response.status_details.reason, heard: kept.content[0].transcript, item: kept.status });
await one.count('response.done', 5);

realtime.send({ type: 'response.cancel' });
await turn('where is my order', 6);

await ask('kill');
await one.news.until(() => one.lost, 2);
voice.close();
realtime.close();
await ask('restart');
const again = await open();
saw('again', { first: again.events[0].type });
again.realtime.close();
process.exit(0);
