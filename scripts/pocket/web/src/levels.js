/** Finds where the level of a recording changes by much: see speechlstm/audio/levels.py. */

const HOP_SECONDS = 0.1;
const REACH = 3; // hops
const RANGE_DB = 30; // below the loudest moment; what is quieter counts as this
const LOWEST_DB = -90; // of full scale
const PART_COST = 6000; // of a part, in dB squared times hops

/**
 * The samples before which a segment is cut, at quiet places.
 * @param {Float32Array} samples Full scale is [-1, 1].
 * @param {number} sampleRate
 * @returns {number[]}
 */
export function levelChanges(samples, sampleRate) {
  const hop = Math.round(HOP_SECONDS * sampleRate);
  const number = Math.floor(samples.length / hop);
  if (number < 2) return [];
  const powers = Array.from({length: number}, (_, t) => variance(samples.subarray(t * hop, (t + 1) * hop)));
  const levels = powers.map((power) => 10 * Math.log10(Math.max(power, 10 ** (LOWEST_DB / 10))));
  const loudest = levels.map((_, t) => Math.max(...levels.slice(Math.max(0, t - REACH), t + REACH + 1)));
  const floor = Math.max(...levels) - RANGE_DB;
  const values = loudest.map((level) => Math.max(level, floor));
  const starts = partsOf(values);
  const means = [0, ...starts].map((start, k) => mean(values.slice(start, starts[k])));
  // Where the louder part ends or begins: it reaches into the other one.
  const edges = starts.map((start, k) => start + (means[k + 1] > means[k] ? REACH : -REACH));
  const cuts = new Set(edges.map((edge) => quietestHop(powers, edge) * hop));
  return [...cuts].sort((a, b) => a - b);
}

/**
 * Where the second and further constant parts begin.
 * @param {number[]} values
 */
function partsOf(values) {
  const sums = [0];
  const squares = [0];
  values.forEach((value, t) => {
    sums.push(sums[t] + value);
    squares.push(squares[t] + value ** 2);
  });
  const costs = [0];
  const before = [0];
  for (let end = 1; end <= values.length; end++) {
    costs.push(Infinity);
    for (let start = 0; start < end; start++) {
      const error = squares[end] - squares[start] - (sums[end] - sums[start]) ** 2 / (end - start);
      const total = costs[start] + error + PART_COST;
      if (total < costs[end]) [costs[end], before[end]] = [total, start];
    }
  }
  const starts = [];
  for (let place = before[values.length]; place; place = before[place]) starts.unshift(place);
  return starts;
}

/**
 * The quietest place near another one, between two hops.
 * @param {number[]} powers
 * @param {number} place
 */
function quietestHop(powers, place) {
  const within = (/** @type {number} */ hop) => Math.min(Math.max(1, hop), powers.length - 1);
  let best = within(place - REACH);
  for (let hop = best; hop <= within(place + REACH); hop++) {
    if (powers[hop - 1] + powers[hop] < powers[best - 1] + powers[best]) best = hop;
  }
  return best;
}

/**
 * The power of samples without their mean: an offset has no level.
 * @param {Float32Array} samples
 */
function variance(samples) {
  const centre = mean(samples);
  return samples.reduce((sum, sample) => sum + (sample - centre) ** 2, 0) / samples.length;
}

/** @param {Float32Array | number[]} values */
function mean(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
