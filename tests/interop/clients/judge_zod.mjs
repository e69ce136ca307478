// Reads a record of server events by the schemas of @openai/agents-realtime; tells of those that it cannot read.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const { parseRealtimeEvent } = await import(`${here}/node_modules/@openai/agents-realtime/dist/openaiRealtimeEvents.mjs`);
const lines = readFileSync(process.argv[2], 'utf8').trim().split('\n');
for (const data of lines) if (parseRealtimeEvent({ data }).isGeneric) console.log(data);
