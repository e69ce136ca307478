// @ts-check
// What her own head's materials are made of. The file names them (Skin, Hair, Cornea …) and gives colours and pictures;
// how light plays on them is here. Other people's models keep the materials they came with.

import * as THREE from 'three';
import { hair, hollow, plainHair, skin } from './shading.js';

/** @typedef {'high' | 'low'} Quality */

/** Written by aurora/head. @param {any} asset of the glTF */
export const isHers = (asset) => /^aurora[. ]head$/.test(asset?.generator ?? '');

/** What is passed on from the file's material. */
const KEPT = /** @type {const} */ ([
  'name', 'color', 'map', 'normalMap', 'normalScale', 'roughnessMap', 'roughness', 'metalness', 'vertexColors', 'side',
  'transparent', 'opacity', 'alphaTest',
]);

/** @param {THREE.Object3D} scene @param {Quality} quality */
export function dress(scene, quality) {
  /** @type {THREE.Mesh<THREE.BufferGeometry, THREE.MeshStandardMaterial>[]} */
  const meshes = [];
  scene.traverse((object) => /** @type {THREE.Mesh} */ (object).isMesh && meshes.push(/** @type {any} */ (object)));
  for (const mesh of meshes) {
    mesh.castShadow = mesh.receiveShadow = true;
    const old = mesh.material;
    const kept = /** @type {any} */ (Object.fromEntries(KEPT.map((key) => [key, old[key]])));
    for (const picture of [old.map, old.normalMap]) if (picture) picture.anisotropy = quality === 'high' ? 8 : 1;
    const plain = quality === 'low' && PLAIN[old.name];
    if (plain) {
      mesh.material = /** @type {any} */ (plain(kept, mesh));
    } else {
      const material = new THREE.MeshPhysicalMaterial(kept);
      (SURFACES[old.name] ?? cloth)(material, mesh, quality);
      mesh.material = material;
    }
    old.dispose();
  }
}

/**
 * At low quality what shines little is matt: software has to translate each kind of shading before the first picture.
 * @type {Readonly<Record<string, (kept: any, mesh: THREE.Mesh) => THREE.Material>>}
 */
const PLAIN = {
  Hair(kept) {
    const material = matt(kept);
    plainHair(material);
    return material;
  },
  Lash(kept, mesh) {
    shadowless(mesh, 3);
    return Object.assign(matt(kept), { depthWrite: false, forceSinglePass: true });
  },
  EyeShade(kept, mesh) {
    shadowless(mesh, 1);
    return Object.assign(matt(kept), { depthWrite: false });
  },
  Eye: matt,
  Teeth: inside,
  Tongue: inside,
};

/** @param {any} kept of the file's material */
function inside(kept) {
  const material = matt(kept);
  hollow(material);
  return material;
}

/** @param {any} kept of the file's material */
function matt({ name, color, map, vertexColors, side, transparent, opacity, alphaTest }) {
  return new THREE.MeshLambertMaterial({ name, color, map, vertexColors, side, transparent, opacity, alphaTest });
}

/** @type {Readonly<Record<string, (material: THREE.MeshPhysicalMaterial, mesh: THREE.Mesh, quality: Quality) => void>>} */
const SURFACES = {
  Skin(material, _, quality) {
    skin(material, quality === 'high');
    Object.assign(material, { specularIntensity: 0.6, ior: 1.42 });
    if (quality === 'low') return;
    // A little down on the cheeks, a little oil over all.
    Object.assign(material, { sheen: 0.22, sheenColor: new THREE.Color('#ff9d80'), sheenRoughness: 0.5, clearcoat: 0.07, clearcoatRoughness: 0.42 });
  },
  Hair(material, mesh) {
    hair(material);
    Object.assign(material, { specularIntensity: 0.12, envMapIntensity: 0.8 });
    fringe(material, mesh);
  },
  Lash(material, mesh) {
    Object.assign(material, { transparent: true, depthWrite: false, specularIntensity: 0.1, forceSinglePass: true });
    shadowless(mesh, 3);
  },
  Eye(material) {
    material.specularIntensity = 0.2;
  },
  /** Black and added: nothing but its highlight is seen. */
  Cornea(material, mesh, quality) {
    material.color.set(0);
    Object.assign(material, {
      transparent: true, opacity: 1, blending: THREE.AdditiveBlending, specularIntensity: 1, envMapIntensity: 1.5, depthWrite: false,
    });
    material.roughness = quality === 'high' ? 0.02 : 0.16; // without soft boxes a lamp's highlight is all there is
    shadowless(mesh, 2);
  },
  /** The shadow of the lids, and the wet line under them. */
  EyeShade(material, mesh) {
    Object.assign(material, { transparent: true, depthWrite: false });
    shadowless(mesh, 1);
  },
  Teeth(material) {
    hollow(material);
    Object.assign(material, { clearcoat: 0.25, clearcoatRoughness: 0.25, specularIntensity: 0.4, envMapIntensity: 0.6 });
  },
  Tongue(material) {
    hollow(material);
    Object.assign(material, { clearcoat: 0.35, clearcoatRoughness: 0.3 });
  },
};

/** @param {THREE.MeshPhysicalMaterial} material @param {THREE.Mesh} _ @param {Quality} quality */
function cloth(material, _, quality) {
  if (quality === 'low') return;
  Object.assign(material, { sheen: 0.4, sheenColor: material.color.clone().lerp(new THREE.Color('#ffffff'), 0.25), sheenRoughness: 0.6 });
}

/**
 * Soft ends of hair: the strands' cores are drawn solid, and then what is thinner is laid over, unsorted. The page
 * shows through the canvas, so a half covered pixel must not hide what comes behind it.
 * @param {THREE.MeshPhysicalMaterial} core @param {THREE.Mesh} mesh
 */
function fringe(core, mesh) {
  const soft = core.clone();
  hair(soft);
  core.alphaTest = 0.7;
  Object.assign(soft, { alphaTest: 0.04, transparent: true, depthWrite: false, forceSinglePass: true });
  const over = new THREE.Mesh(mesh.geometry, soft);
  over.receiveShadow = true;
  over.renderOrder = 4;
  mesh.add(over);
}

/** @param {THREE.Mesh} mesh @param {number} order in which what is see-through is drawn */
function shadowless(mesh, order) {
  mesh.castShadow = mesh.receiveShadow = false;
  mesh.renderOrder = order;
}
