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
 * A sentence: the frame after its last one, and its n-best list.
 * @typedef {{stop: number, nBest: import('./beam.js').BeamHypothesis[]}} Sentence
 */

/**
 * Makes one sentence of those that a hot word is spoken across, with a pause in it, if that has the
 * hot word and a better score with it.
 * @param {Sentence[]} sentences Of the whole utterance.
 * @param {import('./hot_words.js').SpottedPhrase[]} phrases
 * @param {(start: number, stop: number) => import('./beam.js').BeamHypothesis[]} search
 */
export function unitedByHotWords(sentences, phrases, search) {
  const found = [...sentences];
  const sentenceAt = (/** @type {number} */ t) => sentences.filter(({stop}) => stop <= t).length;
  const placed = phrases.map((phrase) => ({
    phrase,
    first: sentenceAt(phrase.start),
    stop: Math.min(sentenceAt(phrase.stop - 1) + 1, sentences.length),
  }));
  for (const {first, stop} of united(placed.filter((range) => range.stop - range.first > 1))) {
    const start = first ? sentences[first - 1].stop : 0;
    const end = sentences[stop - 1].stop;
    const nBest = search(start, end);
    const gains = placed
      .filter((range) => first <= range.first && range.first < range.stop && range.stop <= stop)
      .filter(({phrase}) => ` ${nBest[0].text} `.includes(` ${phrase.words.join(' ')} `))
      .map(({phrase}) => phrase.gain);
    const gain = nBest[0].hasHotWords ? 0 : Math.max(-Infinity, ...gains);
    const score = sentences.slice(first, stop).reduce((sum, {nBest: [best]}) => sum + best.score, 0);
    if (nBest[0].score + gain > score) found.splice(first, stop - first, {stop: end, nBest});
  }
  return found;
}

/**
 * The unions of ranges that overlap, the last one first.
 * @param {{first: number, stop: number}[]} ranges
 */
function united(ranges) {
  /** @type {{first: number, stop: number}[]} */
  const found = [];
  for (const {first, stop} of [...ranges].sort((a, b) => a.first - b.first)) {
    const last = found[found.length - 1];
    if (last && first < last.stop) last.stop = Math.max(last.stop, stop);
    else found.push({first, stop});
  }
  return found.reverse();
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
    hasHotWords: first.hasHotWords || second.hasHotWords,
  };
}
