/**
 * Beam search with the bundle's n-gram model and lexicon: from log-probabilities to texts, whose
 * words have times and confidences. What speechlstm/decoding/beam.py and nbest.py compute without
 * the LSTM language model and without hot words.
 */

import {align} from './alignment.js';
import {NO_WORD, WordFusion} from './fusion.js';
import {GreedyDecoder} from './greedy.js';
import {logAddExp} from './log_probs.js';
import {compare} from './prefix_tree.js';
import {PrefixSearch} from './search.js';
import {joined, sentencesOf} from './sentences.js';
import {matchingBlocks} from './sequence_matcher.js';
import {frameTimes, spelledWords, timedWord} from './words.js';

const NUM_RIVALS = 16; // hypotheses that the confidences of words are computed from
const SHARPNESS = 0.3; // scales scores, whose differences are too large: frames are not independent
const CLOSEST = 1e-6; // to 0 and 1, whose log-odds are infinite

/**
 * A text that the search has found, with its labels and the range of labels of each word.
 * @typedef {{text: string, labels: number[], words: import('./words.js').SpelledWord[],
 *   logProb: number, lmLogProb: number, score: number}} BeamHypothesis
 */

/**
 * Maps confidences to probabilities: sigmoid(slope * log-odds + intercept).
 * @typedef {{slope: number, intercept: number}} Calibration
 */

/** CTC prefix beam search. */
export class BeamDecoder {
  /**
   * @param {import('./alphabet.js').Alphabet} alphabet
   * @param {number} frameSeconds
   * @param {import('./fusion.js').DecodeConfig} config
   * @param {{lm?: import('./ngram.js').NGramModel | null,
   *   lexicon?: import('./lexicon_tree.js').LexiconTree | null, prior?: number[] | null,
   *   calibration?: Calibration | null}} [models]
   */
  constructor(alphabet, frameSeconds, config, models = {}) {
    this.alphabet = alphabet;
    this.frameSeconds = frameSeconds;
    this.config = config;
    this.fusion = new WordFusion(alphabet, config, models.lm ?? null, models.lexicon ?? null);
    this.prior = this.fusion.isFree ? null : (models.prior ?? null);
    this.calibration = models.calibration ?? null;
    this.hasSentences = Boolean(models.lm);
  }

  /**
   * The best hypothesis for an utterance. A probability of 0 counts as exp(-1e4).
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {number} duration Of the recording in seconds; no word ends later.
   * @returns {import('./greedy.js').Hypothesis}
   */
  decode(logProbs, duration) {
    return this.decodeAll(logProbs, duration)[0];
  }

  /**
   * At most numHypotheses hypotheses for an utterance, the best one first, at least one.
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {number} duration
   * @returns {import('./greedy.js').Hypothesis[]}
   */
  decodeAll(logProbs, duration) {
    const {numHypotheses} = this.config;
    const found = this.searchSentences(logProbs, Math.max(numHypotheses, NUM_RIVALS));
    const times = frameTimes(logProbs.numFrames, this.frameSeconds, duration);
    const floored = logProbs.floored();
    return found.slice(0, numHypotheses).map((hypothesis) => {
      const emissions = align(floored, hypothesis.labels);
      const shares = sharesOf(hypothesis.words, found.slice(0, NUM_RIVALS));
      const words = hypothesis.words.map(({text, start, stop}, i) => {
        const word = timedWord(text, emissions.slice(start, stop), logProbs, times);
        return {...word, confidence: calibrated(word.confidence * shares[i], this.calibration)};
      });
      const {text, logProb, lmLogProb, score} = hypothesis;
      return {text, words, logProb, lmLogProb, score};
    });
  }

  /**
   * The n-best list of an utterance, the best hypothesis first, at least one.
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {number} numHypotheses
   */
  searchSentences(logProbs, numHypotheses) {
    const numBlanks = this.hasSentences
      ? Math.round(this.config.sentencePause / this.frameSeconds)
      : 0;
    return sentencesOf(logProbs, numBlanks)
      .map((sentence) => this.search(sentence, numHypotheses))
      .reduce((before, after) => joined(before, after, this.fusion.boundary));
  }

  /**
   * The n-best list of a sentence, the best hypothesis first, at least one.
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {number} numHypotheses
   * @returns {BeamHypothesis[]}
   */
  search(logProbs, numHypotheses) {
    logProbs.check(this.alphabet.numLabels);
    const scaled = this.prior
      ? logProbs.withoutPrior(this.prior, this.config.priorWeight)
      : logProbs;
    const paths = new PrefixSearch(this.fusion, this.config, scaled.floored()).run();
    /** @type {Map<string, import('./search.js').Path[]>} */
    const byText = new Map();
    for (const path of paths) {
      const text = this.text(path);
      byText.set(text, [...(byText.get(text) ?? []), path]);
    }
    const merged = [...byText.values()].map(mergedPath).sort(comparePaths);
    const found = merged.slice(0, numHypotheses).map((path) => this.hypothesis(path));
    return this.fusion.isFree ? this.withBestPath(found, logProbs) : found;
  }

  /** @param {import('./search.js').Path} path */
  text({labels, words}) {
    if (this.fusion.isOpen) return this.alphabet.decode(labels).trim();
    const spoken = words.filter((word) => word !== NO_WORD);
    return spoken.map((word) => this.fusion.lexicon.words[word]).join(' ');
  }

  /**
   * @param {import('./search.js').Path} path
   * @returns {BeamHypothesis}
   */
  hypothesis(path) {
    const {labels, logProb, lmLogProb, score} = path;
    const words = this.fusion.isOpen ? spelledWords(labels, this.alphabet) : this.ranges(path);
    const numLabels = words.length ? words[words.length - 1].stop : 0;
    return {
      text: this.text(path), labels: labels.slice(0, numLabels), words, logProb, lmLogProb, score,
    }; // prettier-ignore
  }

  /**
   * The words of a lexicon with the ranges of their labels.
   * @param {import('./search.js').Path} path
   * @returns {import('./words.js').SpelledWord[]}
   */
  ranges({words}) {
    const gap = this.fusion.boundary ? 1 : 0;
    let start = 0;
    return words.flatMap((word, stop) => {
      if (word === NO_WORD) return [];
      const range = {text: this.fusion.lexicon.words[word], start, stop};
      start = stop + gap;
      return [range];
    });
  }

  /**
   * Without any model of words, the best path may be better than what a narrow beam finds.
   * @param {BeamHypothesis[]} found
   * @param {import('./log_probs.js').LogProbs} logProbs
   */
  withBestPath(found, logProbs) {
    const best = new GreedyDecoder(this.alphabet, 1).decode(logProbs, Infinity);
    if (best.score <= found[0].score) return found;
    const labels = [...best.text].map((symbol) => this.alphabet.symbols.indexOf(symbol) + 1);
    const hypothesis = {...best, labels, words: spelledWords(labels, this.alphabet)};
    const others = found.filter(({text}) => text !== best.text);
    return [hypothesis, ...others].slice(0, found.length);
  }
}

/**
 * The best of the paths of a text, with the probability of all of them. Two ways by the same labels
 * count once.
 * @param {import('./search.js').Path[]} paths
 */
function mergedPath(paths) {
  const best = paths.reduce((a, b) => (b.score > a.score ? b : a));
  if (paths.length === 1) return best;
  const distinct = new Map(paths.map((path) => [path.labels.join(), path.logProb]));
  const logProb = [...distinct.values()].reduce(logAddExp, -Infinity);
  return {...best, logProb, score: best.score - best.logProb + logProb};
}

/**
 * The best path comes first; homophones of equal scores in the order of the lexicon.
 * @param {import('./search.js').Path} a
 * @param {import('./search.js').Path} b
 */
function comparePaths(a, b) {
  return b.score - a.score || compare(a.labels, b.labels) || compare(a.words, b.words);
}

/**
 * For each word, the probability, 0..1, of those rivals that have it in the same place.
 * @param {import('./words.js').SpelledWord[]} words
 * @param {BeamHypothesis[]} rivals
 */
function sharesOf(words, rivals) {
  const best = Math.max(...rivals.map(({score}) => score));
  const weights = rivals.map(({score}) => Math.exp(SHARPNESS * (score - best)));
  const sum = weights.reduce((a, b) => a + b, 0);
  const shares = new Float64Array(words.length);
  const texts = words.map(({text}) => text);
  rivals.forEach((rival, k) => {
    const others = rival.words.map(({text}) => text);
    for (const [start, , size] of matchingBlocks(texts, others)) {
      for (let i = start; i < start + size; i++) shares[i] += weights[k] / sum;
    }
  });
  return shares.map((share) => Math.min(share, 1));
}

/**
 * The probability that a word with this confidence is correct.
 * @param {number} confidence
 * @param {Calibration | null} calibration null: no change.
 */
function calibrated(confidence, calibration) {
  if (!calibration) return confidence;
  const clipped = Math.min(Math.max(confidence, CLOSEST), 1 - CLOSEST);
  const logOdds = Math.log(clipped / (1 - clipped));
  return (1 + Math.tanh((calibration.slope * logOdds + calibration.intercept) / 2)) / 2;
}
