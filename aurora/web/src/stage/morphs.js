// @ts-check
// Blendshapes on the CPU. A face moves a twelfth of its vertices with each shape, and few shapes at a time; a GPU would
// go through all of them for every vertex. In software GL this is most of a picture's cost.

import { BufferAttribute, DynamicDrawUsage } from 'three';

/** @typedef {import('three').Mesh & {morphTargetInfluences: number[]}} MorphMesh */
/** The vertices that a shape moves, and three or six numbers for each. @typedef {{at: Uint32Array, by: Float32Array}} Shape */

/** Morphs one mesh by its `morphTargetInfluences`, which three then no longer looks at. */
export class SparseMorphs {
  /** @param {MorphMesh} mesh its geometry must not be another mesh's as well */
  constructor(mesh) {
    const { attributes, morphAttributes } = mesh.geometry;
    const { position: moves = [], normal: tilts } = morphAttributes;
    this.influences = mesh.morphTargetInfluences;
    this.applied = new Float32Array(this.influences.length).fill(NaN);
    this.position = dynamic(attributes.position);
    this.normal = tilts && attributes.normal ? dynamic(attributes.normal) : null;
    this.restPosition = /** @type {Float32Array} */ (this.position.array).slice();
    this.restNormal = /** @type {Float32Array | undefined} */ (this.normal?.array)?.slice();
    /** @type {Shape[]} */
    this.moves = moves.map(sparse);
    /** @type {Shape[]} */
    this.tilts = this.normal && tilts ? tilts.map(sparse) : [];
    mesh.geometry.morphAttributes = {};
    mesh.geometry.setAttribute('position', this.position);
    if (this.normal) mesh.geometry.setAttribute('normal', this.normal);
    mesh.frustumCulled = false; // its bounds were those of the face at rest
  }

  /** Brings the mesh to its influences; nothing is done where they have not changed. */
  apply() {
    if (this.influences.every((weight, i) => weight === this.applied[i])) return;
    this.applied.set(this.influences);
    add(this.position, this.restPosition, this.moves, this.applied);
    if (this.normal && this.restNormal) add(this.normal, this.restNormal, this.tilts, this.applied);
  }
}

/** @param {BufferAttribute} to @param {Float32Array} rest @param {Shape[]} shapes @param {Float32Array} weights */
function add(to, rest, shapes, weights) {
  const out = /** @type {Float32Array} */ (to.array);
  out.set(rest);
  for (let s = 0; s < shapes.length; s++) {
    const weight = weights[s];
    if (weight === 0) continue;
    const { at, by } = shapes[s];
    for (let k = 0, j = 0; k < at.length; k++, j += 3) {
      const v = at[k];
      out[v] += weight * by[j];
      out[v + 1] += weight * by[j + 1];
      out[v + 2] += weight * by[j + 2];
    }
  }
  to.needsUpdate = true;
}

/** Floats of our own, whatever the file packed them as. @param {import('three').BufferAttribute | import('three').InterleavedBufferAttribute} packed */
function dynamic(packed) {
  const floats = new Float32Array(3 * packed.count);
  for (let v = 0; v < packed.count; v++) floats.set([packed.getX(v), packed.getY(v), packed.getZ(v)], 3 * v);
  return new BufferAttribute(floats, 3).setUsage(DynamicDrawUsage);
}

/** @param {import('three').BufferAttribute | import('three').InterleavedBufferAttribute} dense @returns {Shape} */
function sparse(dense) {
  const at = [];
  const by = [];
  for (let v = 0; v < dense.count; v++) {
    const [x, y, z] = [dense.getX(v), dense.getY(v), dense.getZ(v)];
    if (x || y || z) {
      at.push(3 * v);
      by.push(x, y, z);
    }
  }
  return { at: Uint32Array.from(at), by: Float32Array.from(by) };
}
