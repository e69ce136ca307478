// @ts-check
// A head made of meshes with blendshapes: ours, or anybody's GLB. Each weight goes to every mesh that has the name
// (skin, teeth, lashes, beard); eyeballs, head and chest are turned where the file has nodes for them.

import { Vector3 } from 'three';
import { ARKIT, AT, arkitName } from '../arkit.js';
import { FULL_LOOK } from '../life/gaze.js';
import { placeOf } from './face-place.js';
import { SparseMorphs } from './morphs.js';
import { Joint } from './turn.js';

/** @typedef {import('../life/index.js').Pose} Pose */
/**
 * A head that can be posed. `names` will move, `missing` will not; together the 52. `notes` are lines for whoever
 * chose the model.
 * @typedef {{names: string[], missing: string[], notes: string[], place: import('./face-place.js').Place,
 *   pose: (pose: Pose, passed: number) => void}} Rig
 */
/** A shape of a mesh and the ARKit shape that it is. @typedef {{morphs: SparseMorphs, mesh: import('./morphs.js').MorphMesh, index: number, name: string}} Binding */

const LOOKS = ARKIT.filter((name) => name.startsWith('eyeLook'));
const EYES = { Left: /^(mixamorig)?(lefteye|eyeleft|eyel|leye)$/, Right: /^(mixamorig)?(righteye|eyeright|eyer|reye)$/ };
const HEAD = /^(mixamorig)?head$/;
const CHEST = /^(mixamorig)?(body|spine2|upperchest|chest)$/;
/** A full breath tips the chest back by so many radians, and lifts it by this share of the face's height. */
const CHEST_TIP = 0.008;
const CHEST_LIFT = 0.018;

/** @param {import('three').Object3D} scene @returns {Rig} */
export function meshRig(scene) {
  scene.updateMatrixWorld(true);
  const { morphs, bindings } = bound(scene);
  const place = placeOf((name) => movedBy(bindings, name));
  const joints = jointsOf(scene, place);
  const found = new Set(bindings.map(({ name }) => name));
  if (joints.eyes) LOOKS.forEach((name) => found.add(name));
  return {
    ...sorted(found),
    notes: [],
    place,
    pose({ weights, head, breath }) {
      for (const { mesh, index } of bindings) mesh.morphTargetInfluences[index] = 0;
      for (const { mesh, index, name } of bindings) mesh.morphTargetInfluences[index] = weights[AT[name]];
      for (const one of morphs) one.apply();
      joints.eyes?.forEach((eye, i) => eye.turn(...looking(weights, i ? 'Right' : 'Left')));
      joints.head?.turn(...head);
      joints.chest?.turn(-CHEST_TIP * breath, 0);
      if (joints.chest) joints.chest.node.position.y = joints.chestHeight + CHEST_LIFT * place.height * breath;
    },
  };
}

/** @param {Iterable<string>} found @returns {{names: string[], missing: string[]}} both in ARKit's order */
export function sorted(found) {
  const names = new Set(found);
  return { names: ARKIT.filter((name) => names.has(name)), missing: ARKIT.filter((name) => !names.has(name)) };
}

/** Pitch (down) and yaw (to her left) of an eye, in radians. @param {Float32Array} w @param {'Left' | 'Right'} side @returns {[number, number]} */
export function looking(w, side) {
  const across = w[AT[`eyeLookOut${side}`]] - w[AT[`eyeLookIn${side}`]];
  return [FULL_LOOK[1] * (w[AT[`eyeLookDown${side}`]] - w[AT[`eyeLookUp${side}`]]), FULL_LOOK[0] * (side === 'Left' ? across : -across)];
}

/** All shapes of ARKit's names in a scene. @param {import('three').Object3D} scene */
export function bound(scene) {
  /** @type {Binding[]} */
  const bindings = [];
  /** @type {SparseMorphs[]} */
  const morphs = [];
  const taken = new Set();
  scene.traverse((object) => {
    const mesh = /** @type {import('./morphs.js').MorphMesh} */ (object);
    if (!mesh.isMesh || !mesh.morphTargetInfluences || !mesh.geometry.morphAttributes.position) return;
    if (taken.has(mesh.geometry)) mesh.geometry = mesh.geometry.clone();
    taken.add(mesh.geometry);
    const one = new SparseMorphs(mesh);
    morphs.push(one);
    for (const [spelling, index] of Object.entries(mesh.morphTargetDictionary ?? {})) {
      const name = arkitName(spelling);
      if (name) bindings.push({ morphs: one, mesh, index, name });
    }
  });
  return { bindings, morphs };
}

/** @param {Binding[]} bindings @param {string} name @returns {import('./face-place.js').Moved[]} */
export function movedBy(bindings, name) {
  return bindings.filter((b) => b.name === name).map(({ mesh, morphs, index }) => ({ mesh, shape: morphs.moves[index] }));
}

/** @param {import('three').Object3D} scene @param {import('./face-place.js').Place} place */
function jointsOf(scene, place) {
  /** @type {Partial<Record<'left' | 'right' | 'head', import('three').Object3D>>} */
  const nodes = {};
  scene.traverse((node) => {
    for (const [part, pattern, reach] of /** @type {const} */ ([['left', EYES.Left, 1], ['right', EYES.Right, 1], ['head', HEAD, 1.7]])) {
      if (!nodes[part] && pattern.test(bare(node)) && isNear(node, place, reach)) nodes[part] = node;
    }
  });
  const { left, right, head } = nodes;
  let chest = head?.parent ?? null;
  while (chest && !CHEST.test(bare(chest))) chest = chest.parent;
  return {
    eyes: left && right ? [new Joint(left), new Joint(right)] : null,
    head: head ? new Joint(head) : null,
    chest: chest ? new Joint(chest) : null,
    chestHeight: chest?.position.y ?? 0,
  };
}

/** GLTFLoader keeps the file's own spelling aside; its `name` lacks dots. @param {import('three').Object3D} node */
const bare = (node) => String(node.userData.name ?? node.name).toLowerCase().replace(/[^a-z0-9]/g, '');

/**
 * Whether a node's pivot is where it could be turned. Some files have a mesh of that name whose origin lies between
 * the feet, and it must not turn about them.
 * @param {import('three').Object3D} node @param {import('./face-place.js').Place} place @param {number} reach in faces
 */
function isNear(node, place, reach) {
  const { x, y, z } = node.getWorldPosition(new Vector3());
  return Math.hypot(x - place.x, y - place.y, z - place.z) < reach * place.height;
}
