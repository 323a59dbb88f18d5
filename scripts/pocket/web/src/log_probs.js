/** The log-probabilities that decoders read: one distribution over the labels for each frame. */

// Replaces -inf, the logarithm of 0, so that sums are finite and hypotheses can be compared.
export const LOG_ZERO = -1e4;

/** Natural log-probabilities of shape (numFrames, numLabels), row by row. */
export class LogProbs {
  /**
   * @param {Float32Array} data
   * @param {number} numFrames
   * @param {number} numLabels
   */
  constructor(data, numFrames, numLabels) {
    if (data.length !== numFrames * numLabels) {
      throw new RangeError(`${data.length} log-probabilities are not ${numFrames} x ${numLabels}`);
    }
    this.data = data;
    this.numFrames = numFrames;
    this.numLabels = numLabels;
  }

  /**
   * The log-probabilities of frame t, as a view.
   * @param {number} t
   */
  frame(t) {
    return this.data.subarray(t * this.numLabels, (t + 1) * this.numLabels);
  }

  /**
   * The frames from start to stop - 1, as a view.
   * @param {number} start
   * @param {number} stop
   */
  rows(start, stop) {
    const data = this.data.subarray(start * this.numLabels, stop * this.numLabels);
    return new LogProbs(data, stop - start, this.numLabels);
  }

  /**
   * Some columns of all frames: those of one of the network's outputs.
   * @param {number} start
   * @param {number} numLabels
   */
  columns(start, numLabels) {
    const data = new Float32Array(this.numFrames * numLabels);
    for (let t = 0; t < this.numFrames; t++) {
      data.set(this.frame(t).subarray(start, start + numLabels), t * numLabels);
    }
    return new LogProbs(data, this.numFrames, numLabels);
  }

  /**
   * Refuses anything but natural log-probabilities of this many labels.
   * @param {number} numLabels
   * @throws {RangeError} The width is another, or the probabilities of a frame do not sum to 1.
   */
  check(numLabels) {
    if (this.numLabels !== numLabels) {
      throw new RangeError(`logProbs have ${this.numLabels} labels, the alphabet ${numLabels}`);
    }
    for (let t = 0; t < this.numFrames; t++) {
      const sum = this.frame(t).reduce((total, value) => total + Math.exp(value), 0);
      if (!(Math.abs(sum - 1) <= 1e-3)) {
        throw new RangeError(`logProbs: the probabilities of frame ${t} sum to ${sum}, not to 1`);
      }
    }
  }

  /** A copy with values below LOG_ZERO replaced by it. */
  floored() {
    const data = this.data.map((value) => Math.max(value, LOG_ZERO));
    return new LogProbs(data, this.numFrames, this.numLabels);
  }

  /**
   * Divides posteriors by the prior to the power of weight, and normalises each frame: see
   * speechlstm/decoding/prior.py.
   * @param {number[]} prior Log-probability of each label.
   * @param {number} weight 0: no change; 1: division by the whole prior.
   */
  withoutPrior(prior, weight) {
    const data = new Float32Array(this.data.length);
    for (let t = 0; t < this.numFrames; t++) {
      const scaled = Float64Array.from(this.frame(t), (value, k) => value - weight * prior[k]);
      const sum = scaled.reduce(logAddExp, -Infinity);
      data.set(scaled.map((value) => value - sum), t * this.numLabels);
    }
    return new LogProbs(data, this.numFrames, this.numLabels);
  }
}

/**
 * log(exp(a) + exp(b)).
 * @param {number} a
 * @param {number} b
 */
export function logAddExp(a, b) {
  if (a === -Infinity) return b;
  if (b === -Infinity) return a;
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/**
 * The index of the largest value; the first of equal ones.
 * @param {ArrayLike<number>} values
 */
export function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}
