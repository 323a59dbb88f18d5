/**
 * Finds the frames where phrases may be spoken, by their labels' log-probabilities: see
 * speechlstm/decoding/spotting.py. Each phrase is a row of CTC states that can be entered in any
 * frame. Numbers are rounded to 32 bits as there, so that the same frames are found.
 */

import {BLANK} from './alphabet.js';

const LIKELY = 0.7; // a label is likely if it is this close to the most probable one: half of it

/**
 * Frames start to stop - 1, in which a phrase may be spoken. The gap is how far the best path of
 * its labels is below the most probable label of each frame, in natural logarithms, at least 0.
 * @typedef {{phrase: number, start: number, stop: number, gap: number}} Spot
 */

/**
 * The best spot in each group of overlapping ones of a phrase, ordered by their ends.
 * @param {number[][]} phrases The labels of each phrase, at least one.
 * @param {number[]} maxGaps The largest gap of each phrase.
 * @param {import('./log_probs.js').LogProbs} logProbs
 * @returns {Spot[]}
 */
export function findSpots(phrases, maxGaps, logProbs) {
  const labels = phrases.flat();
  const limits = Float32Array.from(maxGaps);
  const isFirst = phrases.flatMap((row) => row.map((_, i) => i === 0));
  const phraseOf = phrases.flatMap((row, phrase) => row.map(() => phrase));
  const gaps = gapsOf(logProbs);
  // For each label, and for the blank after it: the smallest gap of a path that ends there, and the
  // frame where that path entered the phrase.
  const label = new Float32Array(labels.length).fill(Infinity);
  const blank = label.slice();
  const labelStart = new Int32Array(labels.length);
  const blankStart = labelStart.slice();
  /** @type {Map<number, Spot>} the best spot of the group that has not ended */
  const best = new Map();
  /** @type {Spot[]} */
  const spots = [];
  for (let t = 0; t < logProbs.numFrames; t++) {
    const row = gaps.frame(t);
    /** @type {Spot[]} */
    const ended = [];
    for (let i = labels.length - 1; i >= 0; i--) {
      // Into a label: from the blank before it, or from the label before that one, unless it is
      // the same.
      let before = 0;
      let start = t;
      if (!isFirst[i]) {
        const skips = label[i - 1] < blank[i - 1] && labels[i - 1] !== labels[i];
        before = skips ? label[i - 1] : blank[i - 1];
        start = skips ? labelStart[i - 1] : blankStart[i - 1];
      }
      if (label[i] < blank[i]) {
        blank[i] = label[i];
        blankStart[i] = labelStart[i];
      }
      blank[i] += row[BLANK];
      if (before < label[i]) {
        label[i] = before;
        labelStart[i] = start;
      }
      label[i] += row[labels[i]];
      const phrase = phraseOf[i];
      if (phraseOf[i + 1] !== phrase && label[i] <= limits[phrase]) {
        ended.push({phrase, start: labelStart[i], stop: t + 1, gap: label[i]});
      }
    }
    for (const spot of ended.reverse()) {
      let rival = best.get(spot.phrase);
      if (rival && spot.start >= rival.stop) {
        spots.push(rival);
        rival = undefined;
      }
      if (!rival || spot.gap < rival.gap) best.set(spot.phrase, spot);
    }
  }
  return [...spots, ...best.values()]
    .map((spot) => withOnset(spot, phrases[spot.phrase][0], gaps))
    .sort((a, b) => a.stop - b.stop || a.start - b.start);
}

/**
 * How far each label is below the most probable one.
 * @param {import('./log_probs.js').LogProbs} logProbs
 */
function gapsOf(logProbs) {
  const gaps = logProbs.floored();
  for (let t = 0; t < gaps.numFrames; t++) {
    const frame = gaps.frame(t);
    const most = frame.reduce((a, b) => Math.max(a, b));
    frame.forEach((value, k) => (frame[k] = most - value));
  }
  return gaps;
}

/**
 * The spot with the frames before it in which its first label is also likely: the words before it
 * would have to fill them.
 * @param {Spot} spot
 * @param {number} first Its first label.
 * @param {import('./log_probs.js').LogProbs} gaps
 */
function withOnset(spot, first, gaps) {
  let {start} = spot;
  while (start && gaps.frame(start - 1)[first] < LIKELY) start -= 1;
  return {...spot, start};
}
