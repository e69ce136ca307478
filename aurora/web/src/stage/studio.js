// @ts-check
// The studio: soft boxes that skin, hair and eyes reflect, and four lamps. Places are in units of a face's height, from
// its middle, so that any head stands in the same light. At low quality a plain sky stands for the soft boxes: by
// software, reflections cost more than all the rest.

import * as THREE from 'three';

/** @typedef {'light' | 'dark'} Theme */

/** Lamp: colour and place. The key light alone casts shadows. */
const LAMPS = {
  key: { colour: '#fff5ea', at: [-1.5, 1.7, 3.05] },
  fill: { colour: '#dfe6ff', at: [2.4, 0.2, 2.45] },
  rim: { colour: '#cfdcff', at: [2.0, 1.5, -3.8] },
  warm: { colour: '#ffdcbc', at: [-2.6, 0.75, -3.3] },
};

/** How bright each is, and the room; a light page asks for less rim and more fill, or she looks cut out. */
/** @type {Readonly<Record<Theme, Record<keyof typeof LAMPS | 'room' | 'exposure', number>>>} */
const THEMES = {
  dark: { key: 2.75, fill: 0.5, rim: 3.0, warm: 1.7, room: 0.52, exposure: 1.22 },
  light: { key: 2.5, fill: 0.7, rim: 1.4, warm: 0.9, room: 0.64, exposure: 1.17 },
};

/** A lamp of π shows a toon material's own colour. */
const TOON = { key: Math.PI, fill: 0, rim: 0, warm: 0, room: 0.15, exposure: 1 };

/** Soft boxes: [width, height, x, y, z, brightness, colour]. The first is the catch light in her eyes. */
/** @type {readonly (readonly [number, number, number, number, number, number, string])[]} */
const BOXES = [
  [5, 6, -5.5, 4.5, 7.5, 9, '#fff4e8'],
  [3, 7, 8, 1.5, 5, 2.2, '#e6eeff'],
  [2, 8, 7, 3, -7, 6, '#dfe8ff'],
  [2, 8, -8, 2, -6, 4, '#ffe9d6'],
  [9, 4, 0, 10, 0, 3, '#ffffff'],
  [8, 3, 0, -7, 6, 0.8, '#ffe6dc'],
];

/** The sky's strength for the same brightness on a cheek as the soft boxes give. */
const SKY = 2;

export class Studio {
  /** @param {THREE.WebGLRenderer} renderer @param {THREE.Scene} scene @param {'high' | 'low'} quality */
  constructor(renderer, scene, quality) {
    this.renderer = renderer;
    this.scene = scene;
    this.quality = quality;
    this.sky = new THREE.HemisphereLight('#e6ebf5', '#8a7466');
    this.lamps = /** @type {Record<keyof typeof LAMPS, THREE.DirectionalLight>} */ (
      Object.fromEntries(Object.entries(LAMPS).map(([name, { colour }]) => [name, new THREE.DirectionalLight(colour)]))
    );
    for (const lamp of Object.values(this.lamps)) scene.add(lamp, lamp.target);
    this.lamps.key.castShadow = quality === 'high';
    this.lamps.key.shadow.mapSize.set(1024, 1024);
    if (quality === 'low') scene.add(this.sky);
    this.reflect();
  }

  /** Draws the room that is reflected; again after the browser took the graphics memory away. */
  reflect() {
    if (this.quality === 'low') return;
    this.scene.environment?.dispose();
    const maker = new THREE.PMREMGenerator(this.renderer);
    const room = softBoxes();
    this.scene.environment = maker.fromScene(room, 0.02).texture;
    maker.dispose();
    room.traverse((object) => {
      const mesh = /** @type {THREE.Mesh<THREE.BufferGeometry, THREE.Material>} */ (object);
      if (mesh.isMesh) mesh.geometry.dispose(), mesh.material.dispose();
    });
  }

  /** @param {Theme} theme @param {boolean} toon materials of a drawing, which know one lamp and no film */
  set(theme, toon) {
    const bright = toon ? TOON : THEMES[theme];
    this.renderer.toneMapping = toon ? THREE.NoToneMapping : THREE.NeutralToneMapping;
    for (const [name, lamp] of Object.entries(this.lamps)) lamp.intensity = bright[/** @type {keyof typeof LAMPS} */ (name)];
    this.scene.environmentIntensity = bright.room;
    this.sky.intensity = SKY * bright.room;
    this.renderer.toneMappingExposure = bright.exposure;
  }

  /** Turns the lamps to a face. @param {import('./face-place.js').Place} place */
  aim({ x, y, z, height }) {
    for (const [name, lamp] of Object.entries(this.lamps)) {
      const [right, up, front] = LAMPS[/** @type {keyof typeof LAMPS} */ (name)].at;
      lamp.position.set(x + right * height, y + up * height, z + front * height);
      lamp.target.position.set(x, y, z);
    }
    const { shadow } = this.lamps.key;
    Object.assign(shadow.camera, { left: -1.1 * height, right: 1.1 * height, top: 1.1 * height, bottom: -1.35 * height, near: 0.6 * height, far: 9 * height });
    Object.assign(shadow, { bias: -0.0006, normalBias: 0.0175 * height, radius: 5 });
    shadow.camera.updateProjectionMatrix();
  }

  /** Takes the shadows away: a machine turned out to be slow. */
  dim() {
    this.lamps.key.castShadow = false;
  }

  dispose() {
    this.scene.environment?.dispose();
    this.lamps.key.shadow.dispose();
  }
}

function softBoxes() {
  const room = new THREE.Scene();
  const wall = new THREE.ShaderMaterial({
    side: THREE.BackSide,
    vertexShader: 'varying vec3 way; void main() { way = normalize(position); gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.); }',
    fragmentShader: 'varying vec3 way; void main() { gl_FragColor = vec4(mix(vec3(.16, .14, .13), vec3(.42, .45, .50), smoothstep(-.8, .9, way.y)), 1.); }',
  });
  room.add(new THREE.Mesh(new THREE.SphereGeometry(20, 32, 24), wall));
  for (const [width, height, x, y, z, bright, colour] of BOXES) {
    const paint = new THREE.MeshBasicMaterial({ color: new THREE.Color(colour).multiplyScalar(bright), side: THREE.DoubleSide });
    const box = new THREE.Mesh(new THREE.PlaneGeometry(width, height), paint);
    box.position.set(x, y, z);
    box.lookAt(0, 0, 0);
    room.add(box);
  }
  return room;
}
