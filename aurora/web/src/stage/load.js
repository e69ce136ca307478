// @ts-check
// From an address to a parsed model: fetched piece by piece so that progress shows, and read by three and three-vrm.

import { VRMLoaderPlugin } from '@pixiv/three-vrm';
import { GLTFLoader } from 'three/examples/jsm/loaders/GLTFLoader.js';
import { StageError, broken } from './errors.js';

/** @typedef {import('three/examples/jsm/loaders/GLTFLoader.js').GLTF} Gltf */

/** Bytes; the server refuses larger heads too (aurora/glb.py). */
const LARGEST = 200e6;

/**
 * @param {string} url
 * @param {(share: number) => void} onProgress 0..1
 * @param {AbortSignal} signal
 * @returns {Promise<Gltf>}
 */
export async function loadGltf(url, onProgress, signal) {
  const bytes = await fetched(url, onProgress, signal);
  checkHeader(bytes);
  const loader = new GLTFLoader().register((parser) => new VRMLoaderPlugin(parser));
  try {
    return await loader.parseAsync(bytes, '');
  } catch (error) {
    throw broken(`the model cannot be read: ${firstLine(error)}`);
  }
}

/** @param {string} url @param {(share: number) => void} onProgress @param {AbortSignal} signal */
async function fetched(url, onProgress, signal) {
  try {
    const answer = await fetch(url, { signal });
    if (!answer.ok || !answer.body) throw broken(`the model did not come: the server answered ${answer.status}`);
    // Compressed on its way, the length of the body is not that of the file.
    const size = Number(answer.headers.get('x-file-size') ?? answer.headers.get('content-length')) || 6e6;
    const parts = [];
    let got = 0;
    for (const reader = answer.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      got += value.length;
      if (got > LARGEST) throw broken('the model is larger than 200 MB');
      parts.push(value);
      onProgress(Math.min(1, got / size));
    }
    return await new Blob(parts).arrayBuffer();
  } catch (error) {
    if (error instanceof StageError || signal.aborted) throw error;
    throw broken(`the model did not come: ${firstLine(error)}`);
  }
}

/** @param {ArrayBuffer} bytes */
function checkHeader(bytes) {
  const view = new DataView(bytes);
  if (bytes.byteLength < 20 || view.getUint32(0, true) !== 0x46546c67) throw broken('the model is not a GLB file');
  if (view.getUint32(4, true) !== 2) throw broken(`the model is a GLB of version ${view.getUint32(4, true)}, not 2`);
  if (view.getUint32(8, true) > bytes.byteLength) throw broken('the model is cut off');
}

/** @param {unknown} error */
const firstLine = (error) => String(error instanceof Error ? error.message : error).split('\n')[0].slice(0, 200);
