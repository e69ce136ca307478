// @ts-check
// A head in a VRM file, of either version. Perfect Sync models carry ARKit's names as expressions; others have VRM's
// own vowels and blinks, which stand in for the shapes they resemble most.

import { VRMExpressionMorphTargetBind, VRMLookAtBoneApplier, VRMUtils } from '@pixiv/three-vrm';
import { AT, arkitName } from '../arkit.js';
import { placeOf } from './face-place.js';
import { bound, looking, movedBy, sorted } from './rig.js';

/** What a preset stands in for, where nothing in the file has ARKit's name; aurora/model.py has the same table. */
const PRESETS = Object.entries({
  aa: ['jawOpen'],
  ih: ['mouthStretchLeft', 'mouthStretchRight'],
  ou: ['mouthPucker'],
  ee: ['mouthSmileLeft', 'mouthSmileRight'],
  oh: ['mouthFunnel'],
  blinkLeft: ['eyeBlinkLeft'],
  blinkRight: ['eyeBlinkRight'],
  blink: ['eyeBlinkLeft', 'eyeBlinkRight'],
});
const DEGREES = 180 / Math.PI;
/** Models stand with their arms out; hers hang. Radians about the axis through the chest. */
const ARMS_DOWN = 1.25;
/** Pitch of the chest with a full breath, in radians. */
const BREATH = 0.014;
/** Most seconds that hair and cloth swing on at once; after a hidden page they would fly. */
const LONGEST_SWING = 0.1;

/** @typedef {import('@pixiv/three-vrm').VRM} Vrm */
/** @typedef {import('@pixiv/three-vrm').VRMExpression} Expression */

/** @param {Vrm} vrm @returns {import('./rig.js').Rig} */
export function vrmRig(vrm) {
  VRMUtils.rotateVRM0(vrm); // the old version looks away from the camera
  VRMUtils.removeUnnecessaryVertices(vrm.scene);
  const side = vrm.meta.metaVersion === '0' ? -1 : 1;
  const bone = (/** @type {import('@pixiv/three-vrm').VRMHumanBoneName} */ name) => vrm.humanoid.getNormalizedBoneNode(name);
  bone('leftUpperArm')?.rotation.set(0, 0, -side * ARMS_DOWN);
  bone('rightUpperArm')?.rotation.set(0, 0, side * ARMS_DOWN);
  vrm.update(0);
  vrm.scene.updateMatrixWorld(true);

  const { bindings, morphs } = bound(vrm.scene);
  const { moving, notes } = expressionsOf(vrm);
  const direct = bindings.filter(({ name }) => !moving.own.has(name));
  const named = new Set([...moving.own.keys(), ...direct.map(({ name }) => name)]);
  const presets = moving.presets.map(({ expression, shapes }) => ({ expression, shapes: shapes.filter((name) => !named.has(name)) }));
  const found = new Set([...named, ...presets.flatMap(({ shapes }) => shapes)]);
  // Expressions of ARKit's names move lids, and seldom eyeballs: bones turn those all the same.
  const looks = vrm.lookAt && (vrm.lookAt.applier instanceof VRMLookAtBoneApplier || !named.has('eyeLookOutLeft')) ? vrm.lookAt : null;
  if (vrm.lookAt) {
    vrm.lookAt.autoUpdate = false;
    Object.keys(AT).filter((name) => name.startsWith('eyeLook')).forEach((name) => found.add(name));
  }
  const meshes = new Map(morphs.map((one) => [one.influences, one]));
  /** @param {Expression} expression @returns {import('./face-place.js').Moved[]} */
  const boundTo = (expression) => expression.binds.flatMap((bind) => {
    if (!(bind instanceof VRMExpressionMorphTargetBind)) return [];
    return bind.primitives.flatMap((mesh) => {
      const one = meshes.get(/** @type {number[]} */ (mesh.morphTargetInfluences));
      return one ? [{ mesh, shape: one.moves[bind.index] }] : [];
    });
  });
  const place = placeOf((name) => {
    const own = moving.own.get(name) ?? moving.presets.find(({ shapes }) => shapes.includes(name))?.expression;
    return [...movedBy(direct, name), ...(own ? boundTo(own) : [])];
  });
  return {
    ...sorted(found),
    notes,
    place,
    pose({ weights, head: [pitch, yaw, roll], breath }, passed) {
      for (const [name, expression] of moving.own) expression.weight = weights[AT[name]];
      for (const { expression, shapes } of presets) expression.weight = Math.max(0, ...shapes.map((name) => weights[AT[name]]));
      bone('head')?.rotation.set(side * pitch, yaw, side * roll, 'YXZ');
      (bone('upperChest') ?? bone('chest') ?? bone('spine'))?.rotation.set(-side * BREATH * breath, 0, 0);
      if (looks) {
        const [left, right] = [looking(weights, 'Left'), looking(weights, 'Right')];
        looks.yaw = DEGREES * 0.5 * (left[1] + right[1]);
        looks.pitch = DEGREES * 0.5 * (left[0] + right[0]);
      }
      vrm.update(Math.min(passed, LONGEST_SWING));
      for (const { mesh, index, name } of direct) mesh.morphTargetInfluences[index] = weights[AT[name]];
      for (const one of morphs) one.apply();
    },
  };
}

/**
 * The expressions that move something: by ARKit name, and VRM's presets. Overrides are switched off, as a blink that
 * silences the mouth would stop her lips; life and speech keep out of each other's way without.
 * @param {Vrm} vrm
 */
function expressionsOf(vrm) {
  /** @type {Map<string, Expression>} */
  const own = new Map();
  /** @type {{expression: Expression, shapes: string[]}[]} */
  const presets = [];
  const notes = [];
  const all = vrm.expressionManager?.expressionMap ?? {};
  for (const [name, shapes] of PRESETS) {
    // `blink` stands back where the file has a lid for each eye.
    if (all[name]?.binds.length && !(name === 'blink' && all.blinkLeft?.binds.length)) presets.push({ expression: all[name], shapes });
  }
  for (const expression of Object.values(all)) {
    if (!expression.binds.length) continue;
    const name = arkitName(expression.expressionName);
    if (name) own.set(name, expression);
    const silences = ['overrideMouth', 'overrideBlink', 'overrideLookAt'].filter((what) => /** @type {any} */ (expression)[what] !== 'none');
    if (silences.length) notes.push(`${expression.expressionName} would silence others (${silences.join(', ')}); here it does not`);
    for (const what of silences) /** @type {any} */ (expression)[what] = 'none';
  }
  return { moving: { own, presets }, notes };
}
