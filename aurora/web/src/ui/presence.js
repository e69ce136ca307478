// @ts-check
// Somebody is there, without 3-D: a quiet ring. Its line swells with her voice, a second one around it with yours.
// Shown while the head loads (then it fills), and for good where there is no WebGL.

const POINTS = 180;
const ROUND = 2 * Math.PI;

/**
 * @typedef {object} Scene
 * @property {number} her     level 0..1
 * @property {number} you     level 0..1
 * @property {number} loaded  share of the head that has arrived; 1 draws nothing of it
 * @property {boolean} still  no motion but thickness
 * @property {boolean} live   a conversation is on
 * @property {string} floor
 */

export class Presence {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    this.her = 0;
    this.you = 0;
    this.ink = this.soft = '#888';
    this.styled = -1;
    this.dpr = 1;
  }

  /** Fits the canvas to its box. @returns {boolean} there is something to draw on */
  fit() {
    const { canvas } = this;
    this.dpr = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round(canvas.clientWidth * this.dpr);
    const height = Math.round(canvas.clientHeight * this.dpr);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    return width > 0 && height > 0;
  }

  /** The colours are the style sheet's, read twice a second: the theme may change. @param {number} t seconds */
  dress(t) {
    if (Math.abs(t - this.styled) < 0.5) return;
    const style = getComputedStyle(this.canvas);
    this.ink = style.color;
    this.soft = style.outlineColor;
    this.styled = t;
  }

  /** @param {number} t seconds @param {Scene} scene */
  draw(t, { her, you, loaded, still, live, floor }) {
    if (!this.fit()) return;
    this.dress(t);
    this.her += (her - this.her) * (her > this.her ? 0.5 : 0.18);
    this.you += (you - this.you) * (you > this.you ? 0.5 : 0.18);
    const { pen, ink, soft, dpr, canvas } = this;
    const x = canvas.width / 2;
    const y = canvas.height / 2;
    const radius = Math.min(canvas.width, canvas.height) * 0.27;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.lineCap = 'round';

    const glow = pen.createRadialGradient(x, y, radius * 0.2, x, y, radius * 1.05);
    glow.addColorStop(0, ink);
    glow.addColorStop(1, 'transparent');
    pen.globalAlpha = 0.05 + 0.12 * this.her;
    pen.fillStyle = glow;
    pen.beginPath();
    pen.arc(x, y, radius * 1.05, 0, ROUND);
    pen.fill();

    const breath = still ? 0 : 0.008 * Math.sin(t * 1.5);
    const calm = live ? 1 : 0.7;
    for (let k = 0; k < 4; k++) {
      const swell = still ? 0 : this.her * (0.13 + 0.05 * k);
      const width = k ? 1 : 2 + (still ? 6 * this.her : 0);
      this.wave(t, { x, y, radius: radius * (1 + breath - 0.035 * k), swell, phase: k * 0.5 });
      this.stroke(ink, width, (k ? 0.4 - 0.09 * k : 0.95) * calm);
    }
    this.wave(t, { x, y, radius: radius * (1.26 + breath), swell: still ? 0 : 0.05 * this.you, phase: 2 });
    this.stroke(soft, 1.5 + (still ? 5 : 3) * this.you, live ? 0.35 + 0.65 * this.you : 0.2);

    pen.beginPath();
    if (floor === 'thinking') {
      const from = still ? -Math.PI / 2 : t * 2.4;
      pen.arc(x, y, radius * 1.13, from, from + 0.9);
      this.stroke(ink, 2.5, 0.9);
    } else if (loaded < 1) {
      const from = -Math.PI / 2;
      pen.arc(x, y, radius * 1.13, from, from + ROUND * Math.max(0.005, loaded));
      this.stroke(ink, 3, 1);
    }
    pen.globalAlpha = 1;
  }

  /** Lays the path of one line. @param {number} t @param {{x: number, y: number, radius: number, swell: number, phase: number}} ring */
  wave(t, { x, y, radius, swell, phase }) {
    this.pen.beginPath();
    for (let i = 0; i <= POINTS; i++) {
      const a = (i / POINTS) * ROUND;
      const bend = 0.5 * Math.sin(3 * a + t * 2.1 + phase) + 0.32 * Math.sin(5 * a - t * 2.9) + 0.18 * Math.sin(8 * a + t * 4.3 + phase);
      const r = radius * (1 + swell * bend);
      this.pen.lineTo(x + r * Math.cos(a), y + r * Math.sin(a));
    }
  }

  /** @param {string} colour @param {number} width css px @param {number} alpha */
  stroke(colour, width, alpha) {
    this.pen.strokeStyle = colour;
    this.pen.lineWidth = width * this.dpr;
    this.pen.globalAlpha = alpha;
    this.pen.stroke();
  }
}
