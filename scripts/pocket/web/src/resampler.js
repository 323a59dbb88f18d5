/** Converts the sample rate of a stream, block by block. */

const HALF_WIDTH = 16; // zero crossings of the sinc on each side
const PASSBAND = 0.95; // of the lower rate's half; the rest is for the filter to fall off

/**
 * A band-limited resampler: a sinc under a Blackman window, with one filter for each phase.
 * Browsers have a resampler, but not in workers, and Firefox not for microphones.
 */
export class Resampler {
  /**
   * @param {number} from In Hz, whole numbers.
   * @param {number} to
   */
  constructor(from, to) {
    const divisor = gcd(from, to);
    this.numPhases = to / divisor;
    this.step = from / divisor; // input samples, in numPhases-ths, from one output to the next
    const cutoff = PASSBAND * Math.min(1, to / from);
    this.reach = Math.ceil(HALF_WIDTH / cutoff);
    this.filters = Array.from({length: this.numPhases}, (_, phase) =>
      filter(phase / this.numPhases, this.reach, cutoff),
    );
    this.input = new Float32Array(this.reach); // silence before the first sample
    this.position = this.reach * this.numPhases; // of the next output in the input, in phases
    this.isSame = from === to;
  }

  /**
   * The samples that the next block leads to.
   * @param {Float32Array} samples
   */
  push(samples) {
    if (this.isSame) return samples;
    const {reach, numPhases, step} = this;
    const input = new Float32Array(this.input.length + samples.length);
    input.set(this.input);
    input.set(samples, this.input.length);
    const output = [];
    let position = this.position;
    for (; Math.floor(position / numPhases) + reach < input.length; position += step) {
      const weights = this.filters[position % numPhases];
      const first = Math.floor(position / numPhases) - reach + 1;
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * input[first + k];
      output.push(sum);
    }
    const numDone = Math.floor(position / numPhases) - reach;
    this.input = input.slice(numDone);
    this.position = position - numDone * numPhases;
    return Float32Array.from(output);
  }

  /** The samples that are left at the end. */
  rest() {
    return this.isSame ? new Float32Array(0) : this.push(new Float32Array(this.reach));
  }
}

/**
 * The weights of 2 * reach input samples for an output between the two in the middle.
 * @param {number} phase Distance from the left one of the two, 0..1.
 * @param {number} reach
 * @param {number} cutoff
 */
function filter(phase, reach, cutoff) {
  const weights = Float64Array.from({length: 2 * reach}, (_, k) => {
    const distance = k - reach + 1 - phase;
    const x = Math.PI * cutoff * distance;
    const angle = (Math.PI * distance) / reach;
    const window = 0.42 + 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle);
    return Math.abs(distance) >= reach ? 0 : window * (x ? Math.sin(x) / x : 1);
  });
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** @type {(a: number, b: number) => number} */
const gcd = (a, b) => (b ? gcd(b, a % b) : a);
