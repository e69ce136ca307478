// A page for tests: the stage as it is served, and questions about what stands on it.
import { createStage } from './stage.js';

let canvas = document.querySelector('canvas');
let names; // the 52, in the order of the weights
let stage;
let seconds = 0;

const pose = (weights = {}, head = [0, 0, 0], breath = 0) => ({ weights: Float32Array.from(names, (name) => weights[name] ?? 0), head, breath });
const fresh = () => {
  const next = canvas.cloneNode();
  canvas.replaceWith(next);
  return (canvas = next);
};
const told = (error) => ({ code: error.code ?? error.name, message: error.message });

window.lab = {
  /** `driver`: the words of another one than this browser's. */
  async create(arkit, options, driver) {
    names = arkit;
    const { prototype } = WebGL2RenderingContext;
    const { getParameter } = prototype;
    if (driver) prototype.getParameter = function (what) { return what === 0x9246 ? driver : getParameter.call(this, what); };
    try {
      stage = await createStage(fresh, options);
      return { quality: stage.quality, smooth: stage.renderer.getContextAttributes().antialias };
    } catch (error) {
      return told(error);
    }
  },

  async load(url) {
    const shares = [];
    try {
      return { ...(await stage.load({ url, onProgress: (share) => shares.push(share) })), shares, place: stage.rig.place };
    } catch (error) {
      return told(error);
    }
  },

  /** Two loads at once: what came of each, and how many models stand on the stage. */
  async race(first, second) {
    const ends = await Promise.allSettled([stage.load({ url: first }), stage.load({ url: second })]);
    return { ends: ends.map((end) => (end.status === 'fulfilled' ? 'done' : end.reason.name)), models: stage.scene.children.filter((child) => child === stage.model || child.isGroup).length };
  },

  /** How far each mesh's farthest vertex moves from rest with these weights, and where the named nodes turn to. */
  moved(weights, head) {
    const points = () => {
      const found = {};
      stage.model.updateMatrixWorld(true);
      stage.model.traverse((mesh) => {
        if (!mesh.isMesh) return;
        const v = mesh.position.clone();
        found[mesh.name] = Array.from({ length: mesh.geometry.attributes.position.count }, (_, i) => mesh.localToWorld(mesh.getVertexPosition(i, v)).toArray());
      });
      return found;
    };
    stage.draw(pose(), ++seconds);
    const rest = points();
    stage.draw(pose(weights, head), ++seconds);
    const now = points();
    const nodes = {};
    stage.model.traverse((node) => {
      if (/eye|head/i.test(node.name)) nodes[node.name] = node.getWorldDirection(node.position.clone()).toArray();
    });
    const far = Object.fromEntries(Object.entries(now).map(([name, all]) => [name, Math.max(...all.map((p, i) => Math.hypot(...p.map((x, k) => x - rest[name][i][k]))))]));
    return { far, nodes };
  },

  /** Draws, and tells mean and darkest brightness (0..1) of boxes [x, y, width, height], in heights of the face around its middle. */
  brightness(boxes, weights, head) {
    stage.draw(pose(weights, head), ++seconds);
    const out = document.createElement('canvas');
    [out.width, out.height] = [canvas.width, canvas.height];
    const pen = out.getContext('2d');
    pen.fillStyle = '#808080';
    pen.fillRect(0, 0, out.width, out.height);
    pen.drawImage(canvas, 0, 0);
    const { x, y, z, height } = stage.rig.place;
    const at = (dx, dy) => {
      const point = stage.camera.position.clone().set(x + dx * height, y + dy * height, z + 0.4 * height).project(stage.camera);
      return [(0.5 + 0.5 * point.x) * out.width, (0.5 - 0.5 * point.y) * out.height];
    };
    return boxes.map(([bx, by, bw, bh]) => {
      const [left, top] = at(bx - bw / 2, by + bh / 2).map(Math.round);
      const [right, bottom] = at(bx + bw / 2, by - bh / 2).map(Math.round);
      const { data } = pen.getImageData(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
      const bright = Array.from({ length: data.length / 4 }, (_, k) => (data[4 * k] + data[4 * k + 1] + data[4 * k + 2]) / 765).sort((a, b) => a - b);
      return { mean: bright.reduce((sum, b) => sum + b, 0) / bright.length, dark: bright[Math.floor(bright.length / 20)] };
    });
  },

  /** How much of the canvas is covered, 0..1. */
  covered(weights, head) {
    stage.draw(pose(weights, head), ++seconds);
    const gl = stage.renderer.getContext();
    const data = new Uint8Array(4 * canvas.width * canvas.height);
    gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, data);
    let full = 0;
    for (let k = 3; k < data.length; k += 4) if (data[k] > 127) full++;
    return (4 * full) / data.length;
  },

  resize(width, height) {
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    stage.resize();
    return [canvas.width, canvas.height];
  },

  theme: (theme) => stage.setTheme(theme),

  async loseContext() {
    const gl = stage.renderer.getContext();
    const extension = gl.getExtension('WEBGL_lose_context');
    const event = (name) => new Promise((resolve) => canvas.addEventListener(name, () => setTimeout(resolve), { once: true }));
    const lost = event('webglcontextlost');
    extension.loseContext();
    await lost;
    stage.draw(pose(), ++seconds); // must not throw
    const back = event('webglcontextrestored');
    extension.restoreContext();
    await back;
  },

  memory: () => stage.renderer.info.memory,
};
document.body.className = 'ready';
