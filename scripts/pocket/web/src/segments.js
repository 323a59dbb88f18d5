/**
 * Cuts waveforms into segments at the quietest places, and where their level changes by much: see
 * speechlstm/audio/segments.py.
 */

import {withinFullScale} from './audio.js';
import {levelChanges} from './levels.js';

const PAUSE_SECONDS = 0.2; // longer than the closure of a stop

/**
 * The segments of a waveform, with their starts in seconds.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 * @param {number} maxSeconds The longest segment.
 * @returns {{start: number, samples: Float32Array}[]}
 */
export function splitAtPauses(samples, sampleRate, maxSeconds) {
  const maxSamples = Math.round(maxSeconds * sampleRate);
  const segments = [];
  for (let start = 0, stop = 0; start < samples.length; start = stop) {
    const isLast = samples.length - start <= maxSamples;
    const next = samples.subarray(start, isLast ? samples.length : start + maxSamples);
    stop = start + (isLast ? next.length : quietest(next, sampleRate));
    const changes = levelChanges(samples.subarray(start, stop), sampleRate);
    const edges = [start, ...changes.map((change) => start + change), stop];
    for (let k = 0; k + 1 < edges.length; k++) {
      const segment = withinFullScale(samples.subarray(edges[k], edges[k + 1]));
      segments.push({start: edges[k] / sampleRate, samples: segment});
    }
  }
  return segments;
}

/**
 * The middle of the quietest pause between one half and nine tenths of the samples.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 */
export function quietest(samples, sampleRate) {
  const low = Math.floor(samples.length / 2);
  const high = Math.floor((samples.length * 9) / 10);
  const window = Math.round(PAUSE_SECONDS * sampleRate);
  const sums = new Float64Array(high - low); // up to and with each sample
  const squares = new Float64Array(high - low);
  let sum = 0;
  let square = 0;
  for (let i = low; i < high; i++) {
    sums[i - low] = sum += samples[i];
    squares[i - low] = square += samples[i] * samples[i];
  }
  let best = 0;
  let lowest = Infinity;
  for (let i = 0; i + window < sums.length; i++) {
    const inside = sums[i + window] - sums[i];
    // Without the mean: an offset has no energy. In the order of Python, which rounds alike.
    const energy = squares[i + window] - squares[i] - (inside * inside) / window;
    if (energy < lowest) [best, lowest] = [i, energy];
  }
  return low + Math.floor(window / 2) + best;
}
