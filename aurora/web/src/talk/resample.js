// @ts-check
// Changes the sample rate of a stream that comes in pieces: a windowed sinc in polyphase form.
//
// Where output sample k stands is k * from / to input samples, held as a whole number and a fraction of whole numbers.
// So nothing drifts, however long it runs, and the cuts between pieces leave no trace in the output.

/** Zero crossings of the sinc on each side, at the lower of the two rates: at 16 kHz it looks 1.5 ms ahead. */
const ZEROS = 24;

/** Cut-off as a share of the lower rate's Nyquist frequency; the window's slope lies around it. */
const CUTOFF = 0.91;

/** Kaiser's beta for 80 dB of attenuation. */
const BETA = 7.86;

/** Most phases that are tabled. Odd pairs of rates have more, and take the nearest: noise at -66 dB or below. */
const MOST_PHASES = 1024;

/** @type {(a: number, b: number) => number} */
const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** Modified Bessel function of the first kind and order 0. @param {number} x */
function bessel(x) {
  let sum = 1;
  for (let k = 1, term = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
}

/** The filter at `x` zero crossings from its middle, within `zeros`. @param {number} x @param {number} zeros */
function kernel(x, zeros) {
  if (Math.abs(x) >= zeros) return 0;
  const angle = Math.PI * x * CUTOFF;
  const sinc = angle ? Math.sin(angle) / angle : 1;
  return (sinc * bessel(BETA * Math.sqrt(1 - (x / zeros) ** 2))) / bessel(BETA);
}

export class Resampler {
  /**
   * @param {number} from rate of what comes, Hz, a whole number
   * @param {number} to rate of what leaves, Hz, a whole number
   * @param {number} [zeros] zero crossings on each side: more is sharper and dearer
   */
  constructor(from, to, zeros = ZEROS) {
    if (!Number.isInteger(from) || !Number.isInteger(to) || from <= 0 || to <= 0) throw new RangeError(`no rates: ${from}, ${to}`);
    const common = gcd(from, to);
    this.up = to / common;
    this.down = from / common;
    const narrow = Math.min(1, to / from);
    /** Input samples on each side of an output sample: so far it looks ahead. */
    this.half = Math.ceil(zeros / narrow);
    this.phases = Math.min(this.up, MOST_PHASES);
    const width = 2 * this.half;
    this.table = new Float32Array(this.phases * width);
    for (let phase = 0; phase < this.phases; phase++) {
      let sum = 0;
      const row = Array.from({ length: width }, (_, n) => kernel((n - this.half + 1 - phase / this.phases) * narrow, zeros));
      for (const value of row) sum += value;
      this.table.set(row.map(value => value / sum), phase * width);
    }
    this.held = new Float32Array(this.half - 1);
    this.at = 0; // first tap of the next output sample, in what is held
    this.phase = 0; // and its fraction of an input sample, in units of 1 / up
  }

  /** Forgets the stream; the next sample is the first of a new one. */
  reset() {
    this.held = new Float32Array(this.half - 1);
    this.at = this.phase = 0;
  }

  /** The output that `input` completes. @param {Float32Array} input @returns {Float32Array} */
  push(input) {
    const work = new Float32Array(this.held.length + input.length);
    work.set(this.held);
    work.set(input, this.held.length);
    const { table, up, down, phases } = this, width = 2 * this.half;
    const out = new Float32Array(Math.max(0, Math.ceil(((work.length - width - this.at + 1) * up) / down) + 1));
    let { at, phase } = this, made = 0;
    for (; at + width <= work.length; made++) {
      const row = (phases === up ? phase : Math.min(phases - 1, Math.round((phase / up) * phases))) * width;
      let sum = 0;
      for (let n = 0; n < width; n++) sum += table[row + n] * work[at + n];
      out[made] = sum;
      phase += down;
      at += Math.floor(phase / up);
      phase %= up;
    }
    const done = Math.min(at, work.length);
    this.held = work.slice(done);
    this.at = at - done;
    this.phase = phase;
    return out.subarray(0, made);
  }

  /** What is left of a stream that has ended: silence follows it. @returns {Float32Array} */
  flush() {
    const rest = this.push(new Float32Array(this.half));
    this.reset();
    return rest;
  }
}
