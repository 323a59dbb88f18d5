/**
 * Hot words: words and phrases that a decoder prefers, as in speechlstm/decoding/hot_words.py, which
 * gives the reasons. The first search does not use them. Where their labels fit the
 * log-probabilities, a second search may use them.
 */

import {align} from './alignment.js';
import {BLANK} from './alphabet.js';
import {ConfigError, quoted} from './errors.js';
import {NO_WORD} from './fusion.js';
import {LOG_ZERO, LogProbs, logAddExp} from './log_probs.js';
import {normalized, withoutAccents} from './normalize.js';
import {findSpots} from './spotting.js';

// Natural logarithms, for each label of a hot word; longer words have a leeway.
const MAX_GAP = 1.25;
const MAX_LOSS = 0.7;
export const MAX_TOTAL_LOSS = 1.0; // in the log-probability of the whole text
const LEEWAY = 1.0;
// A word of a phrase is below what was found in its place by at most so much.
const WORD_LOSS = 6.0;
const WORD_LOSS_A_LABEL = 1.75;
const MANY = 100; // with this number of hot words, there is no leeway
const MAX_GAIN = 1.25;
const LEAST_PROMISE = -4.0; // of fit plus gain; the language model seldom adds more than this
const MAX_WAYS = 8; // the largest number of pronunciations of a phrase
const MAX_SPOTTED = 32; // in one utterance
const MAX_LENGTH = 200; // characters of a phrase
const MAX_WEIGHT = 100;

/**
 * A word or phrase with the weight by which it is preferred; null: that of the settings.
 * @typedef {{phrase: string, weight: number | null}} HotWord
 */

/**
 * A hot word that hypotheses may contain in frames start to stop - 1: its labels, the code of the
 * word that ends before each of them (or NO_WORD) and after the last, the probability of all paths
 * of its labels, and what it adds to the score. Codes are below NO_WORD.
 * @typedef {{start: number, stop: number, labels: number[], words: string[], ended: number[],
 *   last: number, logProb: number, gain: number}} SpottedPhrase
 */

/**
 * A hot word with one of its pronunciations or spellings.
 * @typedef {{words: string[], labels: number[][], weight: number}} Phrase
 */

/**
 * Hot words, normalised, from strings such as 'brexit' or 'new york:2.5'.
 * @param {unknown} given
 * @param {string} [name] Of the option, for errors.
 * @returns {HotWord[]}
 * @throws {ConfigError} They are something else, or a weight is not possible.
 */
export function parseHotWords(given, name = 'hotWords') {
  if (!Array.isArray(given) || !given.every((item) => typeof item === 'string')) {
    throw new ConfigError(`${name}: must be a list of strings, is ${quoted(given)}`);
  }
  return given.map((item) => {
    const colon = item.lastIndexOf(':');
    const phrase = (colon < 0 ? item : item.slice(0, colon)).trim();
    const written = colon < 0 ? null : item.slice(colon + 1).trim();
    const weight = written === null ? null : Number(written);
    if (!phrase || phrase.length > MAX_LENGTH) {
      throw new ConfigError(`${name}: ${quoted(item)}: must have 1 to ${MAX_LENGTH} characters`);
    }
    if (written === '' || (weight !== null && !(weight >= 0 && weight <= MAX_WEIGHT))) {
      throw new ConfigError(
        `${name}: ${quoted(item)}: the text after the colon must be a weight from 0 to ` +
          `${MAX_WEIGHT}; only Python's decoder avoids words, by negative weights`,
      );
    }
    const words = normalized(phrase);
    if (!words) throw new ConfigError(`${name}: ${quoted(item)} has no word`);
    return {phrase: words, weight};
  });
}

/** The hot words of a decoder. */
export class HotWords {
  /**
   * @param {HotWord[]} hotWords
   * @param {number} weight Of those that have none.
   * @param {import('./alphabet.js').Alphabet} alphabet
   * @param {import('./fusion.js').WordFusion} fusion
   * @throws {ConfigError} A word cannot be spelled in the symbols.
   */
  constructor(hotWords, weight, alphabet, fusion) {
    this.boundary = fusion.boundary;
    const given = new Map(
      hotWords.map((word) => [word.phrase, word.weight ?? weight]),
    );
    const weights = [...given].filter(([, value]) => value > 0);
    this.phrases = spelled(weights, alphabet, fusion.isOpen ? null : fusion.lexicon);
    this.penalty = Math.log(Math.max(1, weights.length));
    this.leeway = LEEWAY * Math.max(0, 1 - this.penalty / Math.log(MANY));
    /** @type {number[]} the code of the first word of each phrase */
    this.codes = [];
    /** @type {{text: string, numLabels: number}[]} of each code */
    this.words = [];
    for (const {words, labels} of this.phrases) {
      this.codes.push(NO_WORD - 1 - this.words.length);
      words.forEach((text, i) => this.words.push({text, numLabels: labels[i].length}));
    }
    const edge = this.boundary ? [this.boundary] : [];
    this.rows = this.phrases.map(({labels}) => [
      ...edge, ...wordsEnded(labels, NO_WORD, this.boundary).labels,
    ]); // prettier-ignore
    this.maxGaps = this.phrases.map((phrase) => this.most(MAX_GAP, numLabelsOf(phrase)));
  }

  /** The word of a code of a spotted phrase. @param {number} code */
  text(code) {
    return this.words[NO_WORD - 1 - code].text;
  }

  /**
   * The number of labels of a hypothesis that belong to spotted phrases.
   * @param {number[]} words Of the hypothesis.
   */
  numLabels(words) {
    const codes = words.filter((word) => word < NO_WORD);
    return codes.reduce((sum, code) => sum + this.words[NO_WORD - 1 - code].numLabels, 0);
  }

  /**
   * The largest loss, with its leeway, of hot words with this number of labels.
   * @param {number} perLabel
   * @param {number} numLabels
   */
  most(perLabel, numLabels) {
    return numLabels * (perLabel + this.leeway * Math.min(Math.max(numLabels - 6, 0) / 4, 1));
  }

  /**
   * Whether no word of a phrase is far below what was found in its place.
   * @param {import('./spotting.js').Spot} spot
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {Float64Array} behind How far what was found is below the most probable labels of all
   *   frames before each.
   */
  eachWordFits({phrase, start, stop}, logProbs, behind) {
    const words = this.phrases[phrase].labels;
    if (words.length === 1) return true;
    const {data, numLabels} = logProbs;
    const part = data.subarray(start * numLabels, stop * numLabels);
    const frames = align(new LogProbs(part, stop - start, numLabels), this.rows[phrase]);
    const path = new Array(stop).fill(BLANK);
    for (const emission of frames) {
      path.fill(emission.label, start + emission.start, start + emission.stop);
    }
    const edge = Number(this.boundary > 0);
    let first = edge;
    return words.every((word) => {
      const last = first + word.length - 1;
      const [from, to] = [start + frames[first].start, start + frames[last].stop];
      first = last + 1 + edge;
      let loss = behind[from] - behind[to];
      for (let t = from; t < to; t++) {
        const frame = logProbs.frame(t);
        loss += Math.max(...frame) - frame[path[t]];
      }
      return loss <= WORD_LOSS + WORD_LOSS_A_LABEL * word.length;
    });
  }

  /**
   * The best places where hot words may be spoken; none if all of these were found without them.
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {number[]} path The label of each frame in the best hypothesis without hot words.
   * @param {{text: string, start: number, stop: number}[]} found Its words with their frames.
   * @returns {SpottedPhrase[]}
   */
  spot(logProbs, path, found) {
    if (!this.rows.length || !logProbs.numFrames) return [];
    const {numFrames} = logProbs;
    const first = Number(this.boundary > 0); // the index of the first frame given
    const framed = first ? withEdges(logProbs, this.boundary) : logProbs;
    const behind = lossesOf(framed, first ? [this.boundary, ...path, this.boundary] : path);
    /** @type {{promise: number, phrase: SpottedPhrase}[]} */
    const ranked = [];
    let isNew = false;
    for (const spot of findSpots(this.rows, this.maxGaps, framed)) {
      const phrase = this.phrases[spot.phrase];
      const fit = behind[spot.stop] - behind[spot.start] - spot.gap;
      const gain = Math.min(phrase.weight, MAX_GAIN) * numLabelsOf(phrase) - this.penalty;
      const isBad = fit < -this.most(MAX_LOSS, numLabelsOf(phrase));
      if (isBad || fit + gain < LEAST_PROMISE) continue;
      if (!this.eachWordFits(spot, framed, behind)) continue;
      const logProb = logProbOf(framed, spot.start, spot.stop, this.rows[spot.phrase]);
      const start = Math.max(0, spot.start - first);
      const stop = Math.min(numFrames, spot.stop - first);
      isNew ||= !isFound(phrase.words, start, stop, found);
      const ended = wordsEnded(phrase.labels, this.codes[spot.phrase], this.boundary);
      const {words} = phrase;
      ranked.push({promise: fit + gain, phrase: {start, stop, words, ...ended, logProb, gain}});
    }
    if (!isNew) return [];
    ranked.sort((a, b) => b.promise - a.promise);
    return ranked.slice(0, MAX_SPOTTED).map(({phrase}) => phrase);
  }
}

/** @param {Phrase} phrase */
const numLabelsOf = ({labels}) => labels.reduce((sum, word) => sum + word.length, 0);

/**
 * All phrases with each of their pronunciations or spellings.
 * @param {[string, number][]} weights
 * @param {import('./alphabet.js').Alphabet} alphabet
 * @param {import('./lexicon_tree.js').LexiconTree | null} lexicon null: words are spelled by their
 *   characters.
 * @returns {Phrase[]}
 */
function spelled(weights, alphabet, lexicon) {
  const ways = lexicon?.sequencesOf(weights.flatMap(([phrase]) => phrase.split(' ')));
  return weights.flatMap(([phrase, weight]) => {
    const words = phrase.split(' ');
    /** @type {number[][][]} */
    let rows = [[]];
    for (const word of words) {
      const spellings = ways?.get(word) ?? [spelling(word, alphabet)];
      rows = rows.flatMap((row) => spellings.map((labels) => [...row, labels]));
    }
    return rows.slice(0, MAX_WAYS).map((labels) => ({words, labels, weight}));
  });
}

/**
 * The labels of a word's characters.
 * @param {string} word
 * @param {import('./alphabet.js').Alphabet} alphabet
 */
function spelling(word, alphabet) {
  if (alphabet.separator) {
    throw new ConfigError(`hotWords: ${quoted(word)} is not in the lexicon; add it to the lexicon`);
  }
  const isSpelled = Array.from(word).every((character) => alphabet.symbols.includes(character));
  return Array.from(isSpelled ? word : withoutAccents(word), (character) => {
    const label = alphabet.symbols.indexOf(character) + 1;
    if (label) return label;
    throw new ConfigError(`hotWords: ${quoted(word)}: the alphabet lacks ${quoted(character)}`);
  });
}

/**
 * The labels of a phrase, the code of the word that ends before each of them, and after the last.
 * @param {number[][]} labels Of each word.
 * @param {number} firstCode Of the first word; each further word has one less.
 * @param {number} boundary The label after each word; 0: there is none.
 */
function wordsEnded(labels, firstCode, boundary) {
  /** @type {number[]} */
  const ended = [];
  let last = NO_WORD;
  labels.forEach((word, i) => {
    ended.push(last, ...word.slice(1).map(() => NO_WORD));
    last = firstCode - i;
    if (!boundary) return;
    ended.push(last);
    last = NO_WORD;
  });
  const flat = labels.flatMap((word) => (boundary ? [...word, boundary] : word));
  return {labels: flat, ended, last};
}

/**
 * The same with a boundary before the first and after the last frame.
 * @param {import('./log_probs.js').LogProbs} logProbs
 * @param {number} boundary
 */
function withEdges({data, numFrames, numLabels}, boundary) {
  const framed = new Float32Array(data.length + 2 * numLabels).fill(LOG_ZERO);
  framed.set(data, numLabels);
  framed[boundary] = 0;
  framed[data.length + numLabels + boundary] = 0;
  return new LogProbs(framed, numFrames + 2, numLabels);
}

/**
 * How far a path is below the most probable label of each frame, in all frames before each.
 * @param {import('./log_probs.js').LogProbs} logProbs
 * @param {number[]} path
 */
function lossesOf(logProbs, path) {
  const losses = new Float64Array(logProbs.numFrames + 1);
  for (let t = 0; t < logProbs.numFrames; t++) {
    const frame = logProbs.frame(t);
    losses[t + 1] = losses[t] + Math.fround(Math.max(...frame) - frame[path[t]]);
  }
  return losses;
}

/**
 * The natural log-probability of all paths that emit labels in frames start to stop - 1. There may
 * be blanks before the first; the last frame emits the last.
 * @param {import('./log_probs.js').LogProbs} logProbs
 * @param {number} start
 * @param {number} stop
 * @param {number[]} labels
 */
function logProbOf(logProbs, start, stop, labels) {
  const states = labels.flatMap((label) => [BLANK, label]);
  const scores = new Float64Array(states.length).fill(-Infinity);
  const before = logProbs.frame(start);
  scores[0] = before[states[0]];
  scores[1] = before[states[1]];
  for (let t = start + 1; t < stop; t++) {
    const frame = logProbs.frame(t);
    for (let s = states.length - 1; s >= 0; s--) {
      // A blank may be skipped if the labels around it differ.
      const maySkip = s >= 3 && s % 2 === 1 && states[s] !== states[s - 2];
      if (s >= 1) scores[s] = logAddExp(scores[s], scores[s - 1]);
      if (maySkip) scores[s] = logAddExp(scores[s], scores[s - 2]);
      scores[s] += frame[states[s]];
    }
  }
  return scores[states.length - 1];
}

/**
 * Whether words with their frames contain the words of a phrase in about these frames.
 * @param {string[]} words
 * @param {number} start
 * @param {number} stop
 * @param {{text: string, start: number, stop: number}[]} found
 */
function isFound(words, start, stop, found) {
  return found.some((first, i) => {
    const same = found.slice(i, i + words.length);
    const isSame = same.length === words.length && same.every(({text}, k) => text === words[k]);
    return isSame && first.start < stop && start < same[same.length - 1].stop;
  });
}
