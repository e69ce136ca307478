// @ts-check
// The stage: a canvas with a head on it. It draws when it is told to, and knows nothing of sound, sockets or the page.

import { VRMUtils } from '@pixiv/three-vrm';
import * as THREE from 'three';
import { ARKIT } from '../arkit.js';
import { StageError, broken } from './errors.js';
import { loadGltf } from './load.js';
import { dress, isHers } from './look.js';
import { meshRig } from './rig.js';
import { Slowness } from './slowness.js';
import { Studio } from './studio.js';
import { vrmRig } from './vrm.js';

/** @typedef {import('../life/index.js').Pose} Pose */
/** @typedef {import('./studio.js').Theme} Theme */
/**
 * `auto`: low where graphics are drawn by the processor, high elsewhere until it proves slow. `onSlow` is called once,
 * when pictures come too slowly even at low quality.
 * @typedef {{quality?: 'auto' | 'high' | 'low', theme?: Theme, onSlow?: () => void}} Options
 */

const FIELD = 22; // degrees, of a portrait lens
/** What the canvas shows, in heights of the face from chin to brow: at least so much up and down, and across. */
const SHOWN = { high: 2.45, wide: 1.7 };
/** The middle of the picture lies so far above the middle of the face. */
const ABOVE = 0.05;
/** Drawn pixels for one of the page on coarse screens: strands of hair are thinner than a pixel. */
const FINE = 1.5;
/** Pixels that the processor draws at most, at low quality; the browser enlarges them. */
const FEW = 250_000;
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

/**
 * A stage on the canvas that `fresh` gives, which it draws on from now on. It may ask for a second one, in the place of
 * the first. Throws {@link StageError} `nowebgl`.
 * @param {() => HTMLCanvasElement} fresh
 * @param {Options} [options]
 */
export async function createStage(fresh, { quality = 'auto', ...options } = {}) {
  const auto = quality === 'auto';
  const gl = contextOf(fresh(), quality === 'high');
  if (!auto || bySoftware(gl)) return new Stage(gl, { ...options, quality: auto ? 'low' : quality, auto });
  // Whether edges are smooth is decided when a context is made. Software takes a third of a second for each, so the
  // first try is for it; a graphics card takes next to nothing.
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return new Stage(contextOf(fresh(), true), { ...options, quality: 'high', auto });
}

export class Stage {
  /** @param {WebGL2RenderingContext} gl @param {{quality: 'high' | 'low', auto: boolean, theme?: Theme, onSlow?: () => void}} options */
  constructor(gl, { quality, auto, theme = 'dark', onSlow = () => {} }) {
    const canvas = /** @type {HTMLCanvasElement} */ (gl.canvas);
    this.canvas = canvas;
    this.auto = auto;
    this.onSlow = onSlow;
    this.quality = quality;
    this.software = bySoftware(gl);
    this.renderer = new THREE.WebGLRenderer({ canvas, context: gl });
    this.renderer.shadowMap.enabled = this.quality === 'high';
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(FIELD);
    this.studio = new Studio(this.renderer, this.scene, this.quality);
    /** @type {import('./rig.js').Rig | null} */
    this.rig = null;
    /** @type {THREE.Object3D | null} */
    this.model = null;
    this.coming = new AbortController();
    this.slowness = new Slowness();
    this.last = NaN;
    this.lost = false;
    this.lose = (/** @type {Event} */ event) => {
      event.preventDefault(); // only then the browser gives the context back
      this.lost = true;
    };
    this.find = () => {
      this.lost = false;
      this.studio.reflect();
    };
    canvas.addEventListener('webglcontextlost', this.lose);
    canvas.addEventListener('webglcontextrestored', this.find);
    this.theme = theme;
    this.toon = false;
    this.setTheme(theme);
    this.resize();
  }

  /**
   * Loads a head, GLB or VRM, in place of the one before; the old one stays until the new one can be drawn. Throws
   * {@link StageError} `broken` with a reason in one line, and `AbortError` if another load was asked for meanwhile.
   * @param {{url: string, onProgress?: (share: number) => void}} what
   * @returns {Promise<{names: string[], missing: string[], notes: string[]}>} ARKit's names that will move and that
   *   will not, and lines for whoever chose the model
   */
  async load({ url, onProgress = () => {} }) {
    this.coming.abort();
    const { signal } = (this.coming = new AbortController());
    const gltf = await loadGltf(url, onProgress, signal);
    const model = gltf.userData.vrm?.scene ?? gltf.scene;
    try {
      signal.throwIfAborted();
      if (isHers(gltf.asset)) dress(model, this.quality);
      const rig = rigOf(gltf);
      rig.pose({ weights: new Float32Array(ARKIT.length), head: [0, 0, 0], breath: 0 }, 0);
      await this.renderer.compileAsync(model, this.camera, this.scene);
      signal.throwIfAborted();
      this.replace(model, rig);
      const { names, missing, notes } = rig;
      return { names, missing, notes };
    } catch (error) {
      VRMUtils.deepDispose(model);
      throw error;
    }
  }

  /** @param {THREE.Object3D} model @param {import('./rig.js').Rig} rig */
  replace(model, rig) {
    if (this.model) VRMUtils.deepDispose(this.model.removeFromParent());
    this.model = model;
    this.rig = rig;
    this.toon = isToon(model);
    this.setTheme(this.theme);
    this.scene.add(model);
    this.studio.aim(rig.place);
    this.aim();
  }

  /**
   * Draws one picture. Without a head, or while the browser has taken the graphics away, nothing happens.
   * @param {Pose} pose
   * @param {number} seconds by a clock that goes on; hair of a VRM swings by it, and slowness is noticed
   */
  draw(pose, seconds) {
    const passed = Math.max(0, seconds - this.last || 0);
    this.last = seconds;
    if (!this.rig || this.lost) return;
    this.rig.pose(pose, passed);
    this.renderer.render(this.scene, this.camera);
    if (this.auto && this.slowness.at(seconds)) this.cheaper();
  }

  /** @param {Theme} theme */
  setTheme(theme) {
    this.theme = theme;
    this.studio.set(theme, this.toon);
  }

  /** The canvas has another size. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const fine = Math.min(Math.max(window.devicePixelRatio, FINE), 2);
    const coarse = this.software ? Math.min(1, Math.sqrt(FEW / (width * height))) : 1;
    this.renderer.setPixelRatio(this.quality === 'high' ? fine : coarse);
    this.renderer.setSize(width, height, false);
    this.aim();
  }

  /** Frees what it holds, the WebGL context too, of which a browser gives few. The canvas serves no second stage. */
  dispose() {
    this.coming.abort();
    this.canvas.removeEventListener('webglcontextlost', this.lose);
    this.canvas.removeEventListener('webglcontextrestored', this.find);
    if (this.model) VRMUtils.deepDispose(this.model.removeFromParent());
    this.model = this.rig = null;
    this.studio.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
  }

  /** Points the camera at the face. */
  aim() {
    if (!this.rig) return;
    const { x, y, z, height } = this.rig.place;
    const aspect = this.canvas.width / this.canvas.height;
    const shown = height * Math.max(SHOWN.high, SHOWN.wide / aspect);
    const away = shown / 2 / Math.tan((FIELD * Math.PI) / 360);
    Object.assign(this.camera, { aspect, near: 0.1 * away, far: 10 * away });
    this.camera.position.set(x, y + (ABOVE + 0.075) * height, z + away);
    this.camera.lookAt(x, y + ABOVE * height, z);
    this.camera.updateProjectionMatrix();
  }

  /** Pictures come too slowly: first without shadows and with fewer pixels, then the page is told. */
  cheaper() {
    this.slowness.restart();
    if (this.quality === 'low') {
      this.auto = false;
      this.onSlow();
      return;
    }
    this.quality = 'low';
    this.studio.dim();
    this.resize();
  }
}

/** @param {import('./load.js').Gltf} gltf */
function rigOf(gltf) {
  const { vrm } = gltf.userData;
  const rig = vrm ? vrmRig(vrm) : meshRig(gltf.scene);
  if (!rig.names.includes('jawOpen')) throw broken('the model has no shape jawOpen, nor a VRM expression aa: she could not speak');
  return rig;
}

/** Whether a model is a drawing: three-vrm's MToon. @param {THREE.Object3D} model */
function isToon(model) {
  let found = false;
  model.traverse((object) => {
    const { material } = /** @type {THREE.Mesh} */ (object);
    found ||= [material].flat().some((one) => one && 'isMToonMaterial' in one);
  });
  return found;
}

/** @param {HTMLCanvasElement} canvas @param {boolean} smooth edges */
function contextOf(canvas, smooth) {
  const gl = canvas.getContext('webgl2', { alpha: true, antialias: smooth, powerPreference: 'high-performance' });
  if (!gl) throw new StageError('nowebgl', 'this browser draws no 3-D (WebGL 2)');
  return gl;
}

/** Whether the processor draws, by the driver's own words. @param {WebGL2RenderingContext} gl */
function bySoftware(gl) {
  const more = gl.getExtension('WEBGL_debug_renderer_info');
  return SOFTWARE.test(gl.getParameter(more ? more.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}
