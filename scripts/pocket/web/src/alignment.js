/** Forced alignment by Viterbi search over CTC's states: see speechlstm/decoding/alignment.py. */

import {BLANK} from './alphabet.js';

/**
 * The frames that emit each label, on the most probable path that emits all of them in order.
 * @param {import('./log_probs.js').LogProbs} logProbs With finite values: see LogProbs.floored.
 * @param {number[]} labels
 * @returns {import('./words.js').Emission[]}
 */
export function align(logProbs, labels) {
  if (!labels.length) return [];
  const states = [BLANK, ...labels.flatMap((label) => [label, BLANK])];
  const path = bestStates(logProbs, states);
  const emissions = labels.map((label) => ({label, start: path.length, stop: 0}));
  path.forEach((state, t) => {
    if (state % 2 === 0) return;
    const emission = emissions[(state - 1) / 2];
    emission.start = Math.min(emission.start, t);
    emission.stop = t + 1;
  });
  return emissions;
}

/**
 * The state of each frame on the best path.
 * @param {import('./log_probs.js').LogProbs} logProbs
 * @param {number[]} states The label of each state.
 */
function bestStates(logProbs, states) {
  const num = states.length;
  // A blank may be skipped if the labels around it differ.
  const mayJump = states.map((label, s) => s >= 3 && s % 2 === 1 && label !== states[s - 2]);
  const moves = new Uint8Array(logProbs.numFrames * num);
  let scores = new Float64Array(num).fill(-Infinity);
  scores[0] = 0; // the path starts in the first blank or one state after it
  for (let t = 0; t < logProbs.numFrames; t++) {
    const frame = logProbs.frame(t);
    const next = new Float64Array(num);
    for (let s = 0; s < num; s++) {
      let move = 0;
      if (s >= 1 && scores[s - 1] > scores[s]) move = 1;
      if (mayJump[s] && scores[s - 2] > scores[s - move]) move = 2;
      moves[t * num + s] = move;
      next[s] = scores[s - move] + frame[states[s]];
    }
    scores = next;
  }
  const path = new Int32Array(logProbs.numFrames);
  let state = num - 2 + Number(scores[num - 1] > scores[num - 2]);
  for (let t = logProbs.numFrames - 1; t >= 0; t--) {
    path[t] = state;
    state -= moves[t * num + state];
  }
  return path;
}
