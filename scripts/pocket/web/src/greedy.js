/** Greedy (best-path) decoding: the most probable label of each frame, without repeats and blanks. */

import {BLANK} from './alphabet.js';
import {argmax} from './log_probs.js';
import {frameTimes, spelledWords, timedWord} from './words.js';

/**
 * A text for an utterance, with its words and what ranks it; logarithms are natural.
 * @typedef {{text: string, words: import('./words.js').Word[], logProb: number, lmLogProb: number,
 *   score: number}} Hypothesis
 */

/** Decodes by the best path. */
export class GreedyDecoder {
  /**
   * @param {import('./alphabet.js').Alphabet} alphabet
   * @param {number} frameSeconds
   */
  constructor(alphabet, frameSeconds) {
    this.alphabet = alphabet;
    this.frameSeconds = frameSeconds;
    this.grammar = null; // as a beam search without phrases
  }

  /**
   * The text of the best path. Its logProb is that of the path, not of all paths of the text.
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {number} duration Of the recording in seconds; no word ends later.
   * @returns {Hypothesis}
   */
  decode(logProbs, duration) {
    logProbs.check(this.alphabet.numLabels);
    const times = frameTimes(logProbs.numFrames, this.frameSeconds, duration);
    const {emissions, logProb} = bestPath(logProbs);
    const labels = emissions.map(({label}) => label);
    const words = spelledWords(labels, this.alphabet).map(({text, start, stop}) =>
      timedWord(text, emissions.slice(start, stop), logProbs, times),
    );
    const text = words.map((word) => word.text).join(' ');
    return {text, words, logProb, lmLogProb: 0, score: logProb};
  }
}

/**
 * The labels of the best path with their frames, and its log-probability.
 * @param {import('./log_probs.js').LogProbs} logProbs
 */
export function bestPath(logProbs) {
  /** @type {import('./words.js').Emission[]} */
  const emissions = [];
  let last = BLANK;
  let logProb = 0;
  for (let t = 0; t < logProbs.numFrames; t++) {
    const frame = logProbs.frame(t);
    const label = argmax(frame);
    logProb += frame[label];
    if (label !== BLANK && label === last) emissions[emissions.length - 1].stop = t + 1;
    else if (label !== BLANK) emissions.push({label, start: t, stop: t + 1});
    last = label;
  }
  return {emissions, logProb};
}
