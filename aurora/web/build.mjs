// Builds static/ from src/: all that a server serves, so that neither installing nor running needs node.
//
//   npm ci && npm run build             static/, anew
//   node build.mjs FOLDER               the same elsewhere, for the comparison with what is committed
//
// Names have no hashes: the server's ETag tells old from new. The same sources and lock give the same bytes.
import { build } from 'esbuild';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, 'static');
const licence = name => readFile(join(here, 'node_modules', name, 'LICENSE'), 'utf8');

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const common = { absWorkingDir: here, bundle: true, minify: true, charset: 'utf8', legalComments: 'none', outdir: out, logLevel: 'warning' };

// app.js opens at once; stage.js with three comes behind it, vrm.js only for a head of that kind.
await build({
  ...common,
  entryPoints: { app: 'src/main.js', stage: 'src/stage/index.js' },
  format: 'esm', target: 'es2022', splitting: true, chunkNames: '[name]',
});
// What runs beside the page, in the sound's own threads: a file each.
await build({
  ...common,
  entryPoints: { capture: 'src/talk/worklets/capture.js', playback: 'src/talk/worklets/playback.js' },
  format: 'esm', target: 'es2022',
});
await build({ ...common, entryPoints: { style: 'src/css/style.css' } });

for (const name of ['index.html', 'icon.svg']) await cp(join(here, 'src', name), join(out, name));
await writeFile(join(out, 'THREE-LICENSE.txt'), [
  'stage.js and the files that it loads contain three.js and three-vrm.', '',
  'three.js', '', await licence('three'), 'three-vrm', '', await licence('@pixiv/three-vrm'),
].join('\n'));
