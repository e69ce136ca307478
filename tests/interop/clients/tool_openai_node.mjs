// openai-node with a function: the script runs it, hands in what came of it and asks for the answer.
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { KEY, News, TOOL, URL, Voice, ask, saw } from './scene.mjs';

const realtime = await OpenAIRealtimeWS.create(new OpenAI({ apiKey: KEY, baseURL: URL }), { model: 'sophia' });
const news = new News(), events = [];
const of = kind => events.filter(event => event.type === kind);
const count = async (kind, number) => { await news.until(() => of(kind).length >= number); return of(kind)[number - 1]; };
realtime.on('event', event => { events.push(event); news.tell(); });
realtime.on('error', error => saw('error', { code: error.error?.code ?? String(error) }));
await count('session.created', 1);
realtime.send({ type: 'session.update', session: { type: 'realtime', tools: [TOOL] } });
await count('session.updated', 1);
const voice = new Voice(frame => realtime.send({ type: 'input_audio_buffer.append', audio: frame.toString('base64') }));
await ask('hear', { words: 'where is my order' });
voice.say('question');
const call = await count('response.function_call_arguments.done', 1), { number } = JSON.parse(call.arguments);
saw('called', { number });
const output = `order ${number} is on its way`;
realtime.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: call.call_id, output } });
await count('response.done', 1);
realtime.send({ type: 'response.create' });
await count('response.done', 2);
for (const { response } of of('response.done')) saw('response', { status: response.status, output: response.output.map(item => item.type) });
saw('answer', { text: of('response.done')[1].response.output[0].content[0].transcript });
process.exit(0);
