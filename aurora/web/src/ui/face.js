// @ts-check
// Brings her face onto the stage, and puts the ring there where that fails.

/**
 * @typedef {import('../types.d.ts').Stage} Stage
 * @typedef {(fresh: () => HTMLCanvasElement, options: object) => Promise<Stage>} CreateStage
 * @typedef {{url: string, light_url?: string|null, kind: string, name: string, missing: string[]}} Model
 */

export class Face {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} how
   * @param {() => Promise<{createStage: CreateStage}>} how.code  fetches what draws: the largest part of the page
   * @param {Model|null} how.model
   * @param {(event: {type: string, share?: number}) => void} how.tell
   * @param {(missing: string[], notes: string[]) => void} how.onLoaded
   */
  constructor(canvas, { code, model, tell, onLoaded }) {
    this.canvas = canvas;
    this.code = code;
    this.model = model;
    this.tell = tell;
    this.onLoaded = onLoaded;
    /** @type {Stage|null} */
    this.stage = null;
    this.opening = 0;
  }

  /**
   * Loads everything anew. A later call overtakes an earlier one.
   * @param {{quality: string, theme: 'light'|'dark'}} want
   */
  async open({ quality, theme }) {
    const mine = ++this.opening;
    this.stage?.dispose();
    this.stage = null;
    if (quality === 'flat' || !this.model) return this.tell({ type: 'noface' });
    try {
      const { createStage } = await this.code();
      const stage = await createStage(() => this.freshCanvas(), { quality, theme, onSlow: () => this.tell({ type: 'slow' }) });
      if (mine !== this.opening) return stage.dispose();
      const { url, light_url: light } = this.model;
      const onProgress = (/** @type {number} */ share) => mine === this.opening && this.tell({ type: 'progress', share });
      const { missing, notes } = await stage.load({ url: stage.quality === 'low' && light ? light : url, onProgress });
      if (mine !== this.opening) return stage.dispose();
      this.stage = stage;
      this.onLoaded([...new Set([...this.model.missing, ...missing])], notes);
      this.tell({ type: 'ready' });
    } catch (error) {
      if (mine !== this.opening) return;
      const code = /** @type {{code?: string}} */ (error).code;
      this.tell({ type: code === 'nowebgl' ? 'flat' : 'broken' });
    }
  }

  /** A canvas whose WebGL context was lost or disposed gives no second one. */
  freshCanvas() {
    const canvas = /** @type {HTMLCanvasElement} */ (this.canvas.cloneNode());
    this.canvas.replaceWith(canvas);
    this.canvas = canvas;
    return canvas;
  }
}
