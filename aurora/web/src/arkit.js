// @ts-check
// The 52 ARKit blendshapes, and how other people spell them. aurora/names.py folds names by the same rule, and
// tests/aurora/web/names.json holds both to it.

/** Apple's names in Apple's order; every weight array of the page stands in this order. */
export const ARKIT = Object.freeze([
  'eyeBlinkLeft', 'eyeLookDownLeft', 'eyeLookInLeft', 'eyeLookOutLeft', 'eyeLookUpLeft', 'eyeSquintLeft',
  'eyeWideLeft', 'eyeBlinkRight', 'eyeLookDownRight', 'eyeLookInRight', 'eyeLookOutRight', 'eyeLookUpRight',
  'eyeSquintRight', 'eyeWideRight', 'jawForward', 'jawLeft', 'jawRight', 'jawOpen', 'mouthClose',
  'mouthFunnel', 'mouthPucker', 'mouthLeft', 'mouthRight', 'mouthSmileLeft', 'mouthSmileRight',
  'mouthFrownLeft', 'mouthFrownRight', 'mouthDimpleLeft', 'mouthDimpleRight', 'mouthStretchLeft',
  'mouthStretchRight', 'mouthRollLower', 'mouthRollUpper', 'mouthShrugLower', 'mouthShrugUpper',
  'mouthPressLeft', 'mouthPressRight', 'mouthLowerDownLeft', 'mouthLowerDownRight', 'mouthUpperUpLeft',
  'mouthUpperUpRight', 'browDownLeft', 'browDownRight', 'browInnerUp', 'browOuterUpLeft', 'browOuterUpRight',
  'cheekPuff', 'cheekSquintLeft', 'cheekSquintRight', 'noseSneerLeft', 'noseSneerRight', 'tongueOut',
]);

/** Place of each name in {@link ARKIT}. @type {Readonly<Record<string, number>>} */
export const AT = Object.freeze(Object.fromEntries(ARKIT.map((name, place) => [name, place])));

const FOLDED = new Map(ARKIT.map((name) => [name.toLowerCase(), name]));
const PREFIX = /^(blendshapes?\d*|arkit|bs|ex)/;
const LONGEST = 200;

/**
 * The ARKit name that a shape of somebody's model means, or null.
 *
 * Upper and lower case, `_ - .` and spaces do not count; `_L` and `_R` at the end mean Left and Right; what stands
 * before the last `. : | /` may be left out, and so may the prefixes blendShape1, ARKit, bs and MPFB's !ex-. Models
 * that split browInnerUp or cheekPuff into two sides are understood: both halves mean the whole.
 * @param {string} spelling
 * @returns {string | null}
 */
export function arkitName(spelling) {
  if (spelling.length > LONGEST) return null;
  const lower = spelling.toLowerCase();
  for (const part of [lower, lower.replace(/^.*[.:|/]/s, '')]) {
    const bare = part.replace(/[^a-z0-9]/g, '');
    const known = sided(bare) ?? sided(bare.replace(PREFIX, ''));
    if (known) return known;
  }
  return null;
}

/** @param {string} bare */
function sided(bare) {
  const long = bare.endsWith('l') ? `${bare.slice(0, -1)}left` : bare.endsWith('r') ? `${bare.slice(0, -1)}right` : '';
  return FOLDED.get(bare) ?? FOLDED.get(long) ?? FOLDED.get(bare.replace(/^(browinnerup|cheekpuff)(left|right|l|r)$/, '$1')) ?? null;
}
