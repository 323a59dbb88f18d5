/**
 * Beam search with the bundle's n-gram model and lexicon: from log-probabilities to texts, whose
 * words have times and confidences. What speechlstm/decoding/beam.py and nbest.py compute without
 * the LSTM language model and without hot words of negative weight.
 */

import {align} from './alignment.js';
import {BLANK} from './alphabet.js';
import {NO_WORD, WordFusion} from './fusion.js';
import {GreedyDecoder} from './greedy.js';
import {HotWords, MAX_TOTAL_LOSS} from './hot_words.js';
import {logAddExp} from './log_probs.js';
import {compare} from './prefix_tree.js';
import {PrefixSearch} from './search.js';
import {joined, sentencesOf, unitedByHotWords} from './sentences.js';
import {matchingBlocks} from './sequence_matcher.js';
import {SpottedSearch} from './spotted_search.js';
import {frameTimes, spelledWords, timedWord} from './words.js';

const NUM_RIVALS = 16; // hypotheses that the confidences of words are computed from
const SHARPNESS = 0.3; // scales scores, whose differences are too large: frames are not independent
const CLOSEST = 1e-6; // to 0 and 1, whose log-odds are infinite

/**
 * A text that the search has found, with its labels and the range of labels of each word, and
 * whether it has hot words that the search would not have found without them.
 * @typedef {{text: string, labels: number[], words: import('./words.js').SpelledWord[],
 *   logProb: number, lmLogProb: number, score: number, hasHotWords?: boolean}} BeamHypothesis
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
   *   calibration?: Calibration | null, grammar?: import('./grammar.js').PhraseGrammar | null}} [models]
   *   With a grammar, the lexicon is the grammar's, and there is no other language model.
   * @throws {import('./errors.js').ConfigError} A hot word cannot be spelled.
   */
  constructor(alphabet, frameSeconds, config, models = {}) {
    this.alphabet = alphabet;
    this.frameSeconds = frameSeconds;
    this.config = config;
    this.grammar = models.grammar ?? null;
    this.fusion = new WordFusion(alphabet, config, this.grammar ?? models.lm ?? null, models.lexicon ?? null);
    this.prior = this.fusion.isFree ? null : (models.prior ?? null);
    this.calibration = models.calibration ?? null;
    this.hasSentences = Boolean(models.lm);
    this.hotWords = new HotWords(config.hotWords, config.hotWordWeight, alphabet, this.fusion);
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
    const shown = this.grammar ? found : found.slice(0, numHypotheses);
    const timed = shown.map((hypothesis) => {
      const emissions = align(floored, hypothesis.labels);
      const shares = sharesOf(hypothesis.words, found.slice(0, NUM_RIVALS));
      const words = hypothesis.words.map(({text, start, stop}, i) => {
        const word = timedWord(text, emissions.slice(start, stop), logProbs, times);
        return {...word, confidence: calibrated(word.confidence * shares[i], this.calibration)};
      });
      const {text, logProb, lmLogProb, score} = hypothesis;
      return {text, words, logProb, lmLogProb, score};
    });
    return this.grammar ? this.grammar.allowed(timed).slice(0, numHypotheses) : timed;
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
    let stop = 0;
    const sentences = sentencesOf(logProbs, numBlanks).map((rows) => {
      stop += rows.numFrames;
      return {stop, nBest: this.search(rows, numHypotheses)};
    });
    const [best] = this.joined(sentences);
    if (sentences.length < 2 || !this.hotWords.phrases.length) return this.joined(sentences);
    const spotted = this.spot(this.prepared(logProbs), best);
    const search = (/** @type {number} */ start, /** @type {number} */ end) =>
      this.search(logProbs.rows(start, end), numHypotheses);
    return this.joined(unitedByHotWords(sentences, spotted, search));
  }

  /** The n-best list of several sentences. @param {import('./sentences.js').Sentence[]} sentences */
  joined(sentences) {
    return sentences
      .map(({nBest}) => nBest)
      .reduce((before, after) => joined(before, after, this.fusion.boundary));
  }

  /**
   * The n-best list of a sentence, the best hypothesis first, at least one.
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {number} numHypotheses
   * @returns {BeamHypothesis[]}
   */
  search(logProbs, numHypotheses) {
    const floored = this.prepared(logProbs);
    const paths = this.ranked(new PrefixSearch(this.fusion, this.config, floored).run());
    const best = this.withHotWords(paths, floored).slice(0, numHypotheses);
    const found = best.map((path) => this.hypothesis(path));
    return this.fusion.isFree ? this.withBestPath(found, logProbs) : found;
  }

  /** The log-probabilities that are searched. @param {import('./log_probs.js').LogProbs} logProbs */
  prepared(logProbs) {
    logProbs.check(this.alphabet.numLabels);
    const scaled = this.prior
      ? logProbs.withoutPrior(this.prior, this.config.priorWeight)
      : logProbs;
    return scaled.floored();
  }

  /**
   * One path for each text, with the probability of all its paths; the best one first.
   * @param {import('./search.js').Path[]} paths
   */
  ranked(paths) {
    /** @type {Map<string, import('./search.js').Path[]>} */
    const byText = new Map();
    for (const path of paths) {
      const text = this.text(path);
      byText.set(text, [...(byText.get(text) ?? []), path]);
    }
    return [...byText.values()].map(mergedPath).sort(comparePaths);
  }

  /**
   * The paths found without hot words or, if a path with one is better, all of both kinds.
   * @param {import('./search.js').Path[]} found The best one first.
   * @param {import('./log_probs.js').LogProbs} logProbs That were searched.
   */
  withHotWords(found, logProbs) {
    const {hotWords, fusion, config} = this;
    const spotted = this.spot(logProbs, this.hypothesis(found[0]));
    if (!spotted.length) return found;
    const byText = new Map(found.map((path) => [this.text(path), path]));
    const numCodes = hotWords.words.length;
    const search = new SpottedSearch(fusion, config, logProbs, spotted, numCodes);
    for (const path of this.ranked(search.run())) {
      const numLabels = hotWords.numLabels(path.words);
      const least = found[0].logProb - hotWords.most(MAX_TOTAL_LOSS, numLabels);
      if (!numLabels || path.logProb < least) continue;
      const text = this.text(path);
      const other = byText.get(text);
      if (!other || path.score > other.score) byText.set(text, path);
    }
    const ranked = [...byText.values()].sort(comparePaths);
    return hasSpotted(ranked[0]) ? ranked : found;
  }

  /**
   * The hot words spotted in the log-probabilities, from the best hypothesis without them.
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {BeamHypothesis} best
   */
  spot(logProbs, best) {
    if (!this.hotWords.phrases.length) return [];
    const emissions = align(logProbs, best.labels);
    const path = new Array(logProbs.numFrames).fill(BLANK);
    for (const {label, start, stop} of emissions) path.fill(label, start, stop);
    const found = best.words.map(({text, start, stop}) => ({
      text, start: emissions[start].start, stop: emissions[stop - 1].stop,
    })); // prettier-ignore
    return this.hotWords.spot(logProbs, path, found);
  }

  /** @param {import('./search.js').Path} path */
  text({labels, words}) {
    if (this.fusion.isOpen) return this.alphabet.decode(labels).trim();
    const spoken = words.filter((word) => word !== NO_WORD);
    return spoken.map((word) => this.word(word)).join(' ');
  }

  /** The word of the lexicon or, below NO_WORD, of hot words. @param {number} word */
  word(word) {
    return word < NO_WORD ? this.hotWords.text(word) : this.fusion.lexicon.words[word];
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
      hasHotWords: hasSpotted(path),
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
      const range = {text: this.word(word), start, stop};
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

/** Whether a path has a hot word that was spotted. @param {import('./search.js').Path} path */
const hasSpotted = ({words}) => words.some((word) => word < NO_WORD);

/**
 * The best of the paths of a text, with the probability of all of them. Two ways by the same labels
 * count once; those of hot words are paths that count already.
 * @param {import('./search.js').Path[]} paths
 */
function mergedPath(paths) {
  const best = paths.reduce((a, b) => (b.score > a.score ? b : a));
  if (paths.length === 1) return best;
  const plain = paths.filter((path) => !hasSpotted(path));
  const distinct = new Map(plain.map((path) => [path.labels.join(), path.logProb]));
  const together = [...distinct.values()].reduce(logAddExp, -Infinity);
  const spotted = paths.filter(hasSpotted).map((path) => path.logProb);
  const logProb = Math.max(together, ...spotted);
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
