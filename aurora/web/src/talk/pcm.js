// @ts-check
// Sound on the wire: base64 of int16 samples, little end first, as every browser's processor has them.

/** Peak of int16 samples from which on they count as audible, as in sophia/playout.py: -50 dB of full scale. */
export const AUDIBLE = 104;

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/** The bytes of `text`; null if it is no base64. @param {unknown} text @returns {Uint8Array | null} */
export function fromBase64(text) {
  if (typeof text !== 'string') return null;
  let binary;
  try {
    binary = atob(text);
  } catch {
    return null;
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Int16 samples of base64 text; null if it is none. An odd byte at the end is left out. @param {unknown} text */
export function samplesOf(text) {
  const bytes = fromBase64(text);
  return bytes && new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}

/** @param {Int16Array} samples */
export function toFloat(samples) {
  const out = new Float32Array(samples.length);
  for (let i = 0; i < samples.length; i++) out[i] = samples[i] / 32768;
  return out;
}

/** @param {Float32Array} samples */
export function toInt16(samples) {
  const out = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) out[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
  return out;
}

/** Level in dB of full scale; -100 for silence. @param {Int16Array} samples */
export function decibels(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum ? Math.max(-100, 10 * Math.log10(sum / samples.length / 32768 ** 2)) : -100;
}

/** How far a meter goes out at `db`: 0 at -60 dB and below, 1 at -10 dB and above. @param {number} db */
export const meter = db => Math.max(0, Math.min(1, (db + 60) / 50));
