/**
 * Ends sentences at pauses, so that a language model of sentences finds their beginnings and ends:
 * see speechlstm/decoding/sentences.py.
 */

import {BLANK} from './alphabet.js';

const BLANK_PROBABILITY = 0.9; // of a frame that is part of a pause

/**
 * The sentences of an utterance. One ends with the numBlanks-th of as many blanks in a row that
 * follow another label.
 * @param {import('./log_probs.js').LogProbs} logProbs
 * @param {number} numBlanks 0: there is one sentence.
 */
export function sentencesOf(logProbs, numBlanks) {
  const limit = Math.log(BLANK_PROBABILITY);
  const sentences = [];
  let start = 0;
  let blanks = 0;
  let hasLabel = false;
  for (let t = 0; t < logProbs.numFrames; t++) {
    const isBlank = logProbs.frame(t)[BLANK] > limit;
    blanks = isBlank ? blanks + 1 : 0;
    hasLabel ||= !isBlank;
    if (!numBlanks || !hasLabel || blanks !== numBlanks) continue;
    sentences.push(logProbs.rows(start, t + 1));
    [start, hasLabel] = [t + 1, false];
  }
  if (sentences.length && !hasLabel) return sentences; // silence is no sentence
  return [...sentences, logProbs.rows(start, logProbs.numFrames)];
}

/**
 * The n-best list of two sentences, as long as the longer one of theirs; different texts only.
 * @param {import('./beam.js').BeamHypothesis[]} before
 * @param {import('./beam.js').BeamHypothesis[]} after
 * @param {number} boundary The label between words; 0: there is none.
 */
export function joined(before, after, boundary) {
  const pairs = before.flatMap((first) => after.map((second) => ({first, second})));
  pairs.sort((a, b) => b.first.score + b.second.score - (a.first.score + a.second.score));
  /** @type {Map<string, import('./beam.js').BeamHypothesis>} */
  const found = new Map();
  for (const {first, second} of pairs.slice(0, Math.max(before.length, after.length))) {
    const hypothesis = continued(first, second, boundary);
    if (!found.has(hypothesis.text)) found.set(hypothesis.text, hypothesis);
  }
  return [...found.values()];
}

/**
 * @param {import('./beam.js').BeamHypothesis} first
 * @param {import('./beam.js').BeamHypothesis} second
 * @param {number} boundary
 */
function continued(first, second, boundary) {
  const hasGap = boundary && first.labels.length && second.labels.length;
  const labels = hasGap ? [...first.labels, boundary] : first.labels;
  const shifted = second.words.map(({text, start, stop}) => ({
    text, start: start + labels.length, stop: stop + labels.length,
  })); // prettier-ignore
  return {
    text: [first.text, second.text].filter(Boolean).join(' '),
    labels: [...labels, ...second.labels],
    words: [...first.words, ...shifted],
    logProb: first.logProb + second.logProb,
    lmLogProb: first.lmLogProb + second.lmLogProb,
    score: first.score + second.score,
  };
}
