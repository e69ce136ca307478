// @openai/agents with a tool: the library runs it and asks for the answer by itself.
import { RealtimeAgent, RealtimeSession, tool } from '@openai/agents/realtime';
import { z } from 'zod';
import { KEY, News, SOCKET, Voice, ask, saw } from './scene.mjs';

const status = tool({
  name: 'order_status', description: 'Where an order is.', parameters: z.object({ number: z.number() }),
  execute: async ({ number }) => { saw('called', { number }); return `order ${number} is on its way`; },
});
const agent = new RealtimeAgent({ name: 'Sophia', instructions: 'Answer shortly.', tools: [status] });
const session = new RealtimeSession(agent, { transport: 'websocket', model: 'sophia' });
const news = new News(), done = [];
let updated = 0;
session.transport.on('*', event => {
  if (event.type === 'response.done') done.push(event.response);
  if (event.type === 'session.updated') updated += 1;
  news.tell();
});
session.on('error', ({ error }) => saw('error', { code: error?.error?.code ?? String(error).slice(0, 300) }));
await session.connect({ apiKey: KEY, url: SOCKET });
await news.until(() => updated > 0);
const voice = new Voice(frame => session.sendAudio(frame.buffer.slice(frame.byteOffset, frame.byteOffset + frame.length)));
await ask('hear', { words: 'where is my order' });
voice.say('question');
await news.until(() => done.length === 2);
for (const response of done) saw('response', { status: response.status, output: response.output.map(item => item.type) });
saw('answer', { text: done[1].output[0].content[0].transcript });
process.exit(0);
