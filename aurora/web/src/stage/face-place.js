// @ts-check
// Where in a model the face is: between the chin, which jawOpen moves most, and the brows. Bodies, hair and hands do
// not count, so a full body is framed as well as a bust.

import { Box3, Vector3 } from 'three';

/** @typedef {import('three').Mesh} Mesh */
/** A face at rest: middle and height from chin to brow, in the model's units. @typedef {{x: number, y: number, z: number, height: number}} Place */
/** A shape on a mesh: the vertices it moves, times three, and by how much. @typedef {{mesh: Mesh, shape: import('./morphs.js').Shape}} Moved */

/** A vertex belongs to a shape if it moves by this share of the farthest. */
const CLEARLY = 0.5;
/** Without brows or lids: the face reaches this far up from the chin to the top of the mesh. */
const SHARE_OF_MESH = 0.5;

/**
 * @param {(name: string) => Moved[]} moved what each ARKit name moves
 * @returns {Place}
 */
export function placeOf(moved) {
  const jaw = boxOf(moved('jawOpen'));
  const brows = boxOf(['browInnerUp', 'browOuterUpLeft', 'browOuterUpRight', 'browDownLeft', 'browDownRight'].flatMap(moved));
  const lids = boxOf(['eyeBlinkLeft', 'eyeBlinkRight'].flatMap(moved));
  const mesh = new Box3();
  for (const { mesh: whole } of moved('jawOpen')) mesh.union(new Box3().setFromObject(whole, true));
  const chin = jaw.min.y;
  let height = SHARE_OF_MESH * (mesh.max.y - chin);
  if (!lids.isEmpty()) height = 1.3 * (lids.max.y - chin); // a brow lies so far above the lids
  if (!brows.isEmpty()) height = brows.max.y - chin;
  const front = jaw.clone().union(lids).union(brows);
  const middle = front.getCenter(new Vector3());
  return { x: middle.x, y: chin + height / 2, z: front.max.z - 0.5 * height, height: Math.max(height, 1e-3) };
}

/** Bounds of the vertices that shapes clearly move, in the scene. @param {Moved[]} moved */
function boxOf(moved) {
  const box = new Box3();
  const point = new Vector3();
  const far = (/** @type {Float32Array} */ by, /** @type {number} */ k) => Math.hypot(by[3 * k], by[3 * k + 1], by[3 * k + 2]);
  for (const { mesh, shape: { at, by } } of moved) {
    let farthest = 0;
    for (let k = 0; k < at.length; k++) farthest = Math.max(farthest, far(by, k));
    for (let k = 0; k < at.length; k++) {
      if (far(by, k) >= CLEARLY * farthest) box.expandByPoint(mesh.localToWorld(mesh.getVertexPosition(at[k] / 3, point)));
    }
  }
  return box;
}
