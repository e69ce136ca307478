// @ts-check
// What three's physical material lacks for skin and hair, added to its shader text. Each change names the text that it
// replaces, and fails loudly if a later three no longer has it.

import { DataTexture, LinearFilter, LinearMipmapLinearFilter, RepeatWrapping, ShaderChunk } from 'three';

/** @typedef {import('three').MeshStandardMaterial} Material */
/** @typedef {import('three').WebGLProgramParametersWithUniforms} Shader */

/** @param {string} text @param {string} old @param {string} fresh */
function swapped(text, old, fresh) {
  if (!text.includes(old)) throw new Error(`three's shader text has changed: ${old}`);
  return text.replace(old, fresh);
}

/** @param {Material | import('three').MeshLambertMaterial} material @param {string} key of the program @param {(shader: Shader) => void} change */
function changed(material, key, change) {
  material.onBeforeCompile = change;
  material.customProgramCacheKey = () => key;
}

// Vertex colour g is how open to light a place is. Hollows lose their highlights too, or the inside of the mouth shines.
const HOLLOW = `#include <lights_fragment_end>
  float open = vColor.g * vColor.g;
  reflectedLight.directSpecular *= open;
  reflectedLight.indirectSpecular *= open;
  #ifdef USE_CLEARCOAT
  clearcoatSpecularDirect *= vColor.g;
  clearcoatSpecularIndirect *= vColor.g;
  #endif
  reflectedLight.indirectDiffuse *= mix(.35, 1., vColor.g);`;

/** Teeth, tongue, gums: lit by how open the place is. @param {Material | import('three').MeshLambertMaterial} material */
export function hollow(material) {
  changed(material, 'hollow', (shader) => {
    shader.fragmentShader = swapped(shader.fragmentShader, '#include <lights_fragment_end>', HOLLOW);
  });
}

// Light goes into skin and comes out beside: it wraps into the shadow side, red furthest, and shines through what is
// thin (vertex alpha: ears, nostrils). The widths of red, green and blue are chosen by eye.
const SOFT = `vec3 irradiance = dotNL * directLight.color;
  float facing = dot(geometryNormal, directLight.direction);
  vec3 wrap = vec3(.30, .13, .08);
  vec3 soft = clamp((facing + wrap) / (1. + wrap), 0., 1.);
  soft = mix(soft, soft * soft * (3. - 2. * soft), .3);
  float behind = clamp(dot(geometryViewDir, -normalize(directLight.direction + geometryNormal * .35)), 0., 1.);
  float through = vColor.a * (behind * behind * 1.1 + .16 * clamp(-facing, 0., 1.));
  vec3 softIrradiance = (soft + through * vec3(1., .26, .14)) * directLight.color;`;

/** Skin. @param {Material} material @param {boolean} fine pores for close looks */
export function skin(material, fine) {
  const tile = fine ? (pores ??= poreTile()) : null;
  changed(material, fine ? 'skin-fine' : 'skin', (shader) => {
    let lights = swapped(ShaderChunk.lights_physical_pars_fragment, 'vec3 irradiance = dotNL * directLight.color;', SOFT);
    lights = swapped(lights, 'reflectedLight.directDiffuse += irradiance *', 'reflectedLight.directDiffuse += softIrradiance *');
    let text = swapped(shader.fragmentShader, '#include <lights_physical_pars_fragment>', lights);
    text = swapped(text, '#include <lights_fragment_end>', HOLLOW);
    if (tile && material.normalMap) {
      shader.uniforms.pores = { value: tile };
      const bumps = 'mapN.xy *= normalScale; mapN.xy += (texture2D(pores, vNormalMapUv * vec2(15., 12.)).xy - .502) * .2;';
      text = `uniform sampler2D pores;\n${swapped(text, '#include <normal_fragment_maps>', swapped(ShaderChunk.normal_fragment_maps, 'mapN.xy *= normalScale;', bumps))}`;
    }
    shader.fragmentShader = text;
  });
}

// Hair shines across its strands (Kajiya and Kay, with two shifted lobes): a narrow white one towards the tip, a wide
// one of the hair's own colour towards the root. The direction of the strands is in the file.
const STRANDS = `vec3 along = normalize(vFlow);
  vec3 halfway = normalize(directLight.direction + geometryViewDir);
  float facing = dot(geometryNormal, directLight.direction);
  float lit = smoothstep(-.25, .65, facing) * strandLight;
  float tip = dot(normalize(along + geometryNormal * (.10 + strandShift)), halfway);
  float root = dot(normalize(along + geometryNormal * (-.16 + strandShift)), halfway);
  float narrow = pow(sqrt(max(0., 1. - tip * tip)), 110.);
  float wide = pow(sqrt(max(0., 1. - root * root)), 26.);
  float across = sqrt(max(0., 1. - pow(dot(along, directLight.direction), 2.)));
  irradiance = directLight.color * clamp((facing + .35) / 1.35, 0., 1.) * mix(.55, 1., across);
  reflectedLight.directSpecular += directLight.color * lit * (narrow * .075 + wide * .95 * (material.diffuseContribution + .015));
  vec3 specularBRDF = vec3(0.);`;

// Normals are those of the whole head of hair, the same on both sides of a card.
const ONE_SIDED = swapped(ShaderChunk.normal_fragment_begin, 'gl_FrontFacing ? 1.0 : - 1.0', '1.0');

/** Hair cards with the attribute `_flow` and a picture of strands. @param {Material} material */
export function hair(material) {
  changed(material, 'hair', (shader) => {
    shader.vertexShader = `attribute vec3 _flow;\nvarying vec3 vFlow;\n${swapped(
      shader.vertexShader,
      '#include <beginnormal_vertex>',
      '#include <beginnormal_vertex>\n  vFlow = normalize(normalMatrix * _flow);',
    )}`;
    const lights = swapped(
      ShaderChunk.lights_physical_pars_fragment,
      'vec3 specularBRDF = BRDF_GGX( directLight.direction, geometryViewDir, geometryNormal, material );',
      STRANDS,
    );
    let text = swapped(shader.fragmentShader, '#include <lights_physical_pars_fragment>', lights);
    text = swapped(
      text,
      '#include <map_fragment>',
      `#include <map_fragment>
  { float strand = texture2D(map, vMapUv).g; strandShift = (strand - .42) * .34; strandLight = smoothstep(.15, .6, strand) * vColor.g * 1.6 + .25; }`,
    );
    text = swapped(text, '#include <normal_fragment_begin>', ONE_SIDED);
    shader.fragmentShader = `varying vec3 vFlow;\nfloat strandShift;\nfloat strandLight;\n${text}`;
  });
}

// The same for processors that draw: hair is many layers deep, and each layer pays for its light. So diffuse light only,
// and one lobe of the key lamp, reckoned at the vertices. The lamp's direction is that seen from the camera.
const VERTEX_SHINE = `#include <beginnormal_vertex>
  vec3 keyWay = normalize(vec3(-.4, .45, .8));
  vec3 hairNormal = normalize(normalMatrix * normal);
  float along = dot(normalize(normalize(normalMatrix * _flow) - hairNormal * .16), normalize(keyWay + vec3(0., 0., 1.)));
  vShine = pow(max(0., 1. - along * along), 9.) * smoothstep(-.2, .7, dot(hairNormal, keyWay));`;

/** Hair at low quality. @param {import('three').MeshLambertMaterial} material */
export function plainHair(material) {
  changed(material, 'hair-plain', (shader) => {
    shader.vertexShader = `attribute vec3 _flow;\nvarying float vShine;\n${swapped(shader.vertexShader, '#include <beginnormal_vertex>', VERTEX_SHINE)}`;
    let text = swapped(shader.fragmentShader, '#include <normal_fragment_begin>', ONE_SIDED);
    text = swapped(text, '#include <lights_fragment_end>', '#include <lights_fragment_end>\n  reflectedLight.directDiffuse += diffuseColor.rgb * vShine * .8;');
    shader.fragmentShader = `varying float vShine;\n${text}`;
  });
}

/** One for all heads. @type {DataTexture | undefined} */
let pores;

/** A tile of pores as a normal map, made here so that no file need carry it. @param {number} size pixels */
function poreTile(size = 256) {
  const height = new Float32Array(size * size);
  let seed = 7;
  const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let pore = 0; pore < 2600; pore++) {
    const [cx, cy, radius, depth] = [chance() * size, chance() * size, 1.2 + 2.2 * chance(), 0.3 + 0.7 * chance()];
    for (let y = -6; y <= 6; y++) {
      for (let x = -6; x <= 6; x++) {
        const at = (Math.floor(cy + y + size) % size) * size + (Math.floor(cx + x + size) % size);
        height[at] -= depth * Math.exp(-(x * x + y * y) / radius ** 2);
      }
    }
  }
  const pixels = new Uint8Array(4 * size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const slope = (/** @type {number} */ a, /** @type {number} */ b) => 128 - 60 * (height[a] - height[b]);
      const across = slope(y * size + ((x + 1) % size), y * size + ((x + size - 1) % size));
      const down = slope(((y + 1) % size) * size + x, ((y + size - 1) % size) * size + x);
      pixels.set([across, down, 255, 255], 4 * (y * size + x));
    }
  }
  const tile = new DataTexture(pixels, size, size);
  tile.wrapS = tile.wrapT = RepeatWrapping;
  tile.generateMipmaps = true;
  tile.minFilter = LinearMipmapLinearFilter;
  tile.magFilter = LinearFilter;
  tile.anisotropy = 4;
  tile.needsUpdate = true;
  return tile;
}
