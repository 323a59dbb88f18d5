/** Scores the words of hypotheses by lexicon and language model: see speechlstm/decoding/fusion.py. */

import {LanguageModelError, LexiconError} from './errors.js';
import {LexiconTree} from './lexicon_tree.js';
import {PrefixTree, ROOT} from './prefix_tree.js';

export const NO_WORD = -1; // instead of a word of the lexicon

/**
 * The end of a word: the word or NO_WORD, the language model's state after it, its
 * log-probability, and what it adds to the score.
 * @typedef {{word: number, lmState: number, lmLogProb: number, gain: number}} EndedWord
 */

/**
 * The settings of a search: see DecodeConfig in speechlstm/config/decoding.py.
 * @typedef {{beamWidth: number, numHypotheses: number, lmWeight: number, wordBonus: number,
 *   priorWeight: number, unknownCharacterLogProb: number, openVocabulary: boolean,
 *   minLabelLogProb: number, maxScoreGap: number, blankSkip: number, sentencePause: number,
 *   hotWordWeight: number, hotWords: import('./hot_words.js').HotWord[]}} DecodeConfig
 */

/**
 * The language model of a search.
 * @typedef {import('./ngram.js').NGramModel | import('./grammar.js').PhraseGrammar} SearchModel
 */

/**
 * Scores words. Within a word, a hypothesis is at a node of the lexicon's tree. Its look-ahead is
 * the unigram of the best word below that node; when the word ends, the language model scores it in
 * its context.
 */
export class WordFusion {
  /**
   * @param {import('./alphabet.js').Alphabet} alphabet
   * @param {DecodeConfig} config
   * @param {SearchModel | null} lm
   * @param {LexiconTree | null} lexicon null: the words of the language model.
   */
  constructor(alphabet, config, lm, lexicon) {
    this.lm = lm;
    this.weight = config.lmWeight;
    this.bonus = lm ? config.wordBonus : 0;
    this.unknownCharacter = lm ? config.unknownCharacterLogProb : 0;
    this.boundary = alphabet.symbols.indexOf(' ') + 1; // the label that ends a word; 0: none
    if (!lexicon && lm && alphabet.separator) {
      throw new LexiconError('a language model needs a lexicon with the phones of its words');
    }
    const given = lexicon ?? (lm ? LexiconTree.fromWords(lm.words, alphabet) : null);
    this.isOpen = !given || (config.openVocabulary && !alphabet.separator);
    this.isFree = this.isOpen && !lm; // only the labels' probabilities count
    this.lexicon = given ?? new LexiconTree([], PrefixTree.build(alphabet.numLabels, []), null);
    this.tree = this.lexicon.tree;
    this.startState = lm ? lm.startState : 0;
    this.lmIds = lmIds(this.lexicon.words, lm);
    /** @type {Map<string, number> | null} the language model's ids, made when they are needed */
    this.ids = null;
    if (lm && lexicon && !this.lmIds.some((id) => id > 0)) {
      throw new LanguageModelError('lm.ngram: knows no word of lexicon.tree');
    }
    const numUnknown = this.lmIds.reduce((count, id) => count + Number(id === 0), 0);
    // Words of the lexicon that the model lacks share the probability of unknown words equally.
    this.unknownShare = lm ? -Math.log(Math.max(1, numUnknown)) : 0;
    this.unigrams = Float64Array.from(lm ? lm.unigramLogProbs() : [0], (x) => this.weight * x);
    this.ahead = this.lookAhead();
    /** @type {Map<number, {state: number, logProb: number}>} by state and word; of one search */
    this.memory = new Map();
  }

  /** For each node, the most that a word below it adds to the score; -inf outside the tree. */
  lookAhead() {
    const gains = Float64Array.from(this.tree.values, (word) => {
      const id = this.lmIds[word];
      return this.unigrams[id] + this.weight * (id === 0 ? this.unknownShare : 0);
    });
    const ahead = this.tree.bestBelow(gains);
    ahead[ROOT] = 0;
    return ahead;
  }

  /**
   * The look-ahead of a word at a node, with this number of labels so far.
   * @param {number} node
   * @param {number} length
   */
  aheadOf(node, length) {
    if (!this.isOpen) return this.ahead[node];
    return Math.max(
      this.ahead[node], this.unigrams[0] + this.weight * this.unknownCharacter * length,
    ); // prettier-ignore
  }

  /**
   * All ways to end the word of a hypothesis.
   * @param {number} node
   * @param {number} length The number of labels of the word.
   * @param {number} lmState The language model's state before it.
   * @returns {EndedWord[]}
   */
  endings(node, length, lmState) {
    if (this.isOpen && node === ROOT) return [];
    const {firstValue, values, outside} = this.tree;
    const first = node === outside ? 0 : firstValue[node];
    const stop = node === outside ? 0 : firstValue[node + 1];
    // In an open vocabulary, labels that spell several words stand for the first of them.
    if (this.isOpen) return [this.ended(first < stop ? values[first] : NO_WORD, length, lmState)];
    const ways = [];
    for (let i = first; i < stop; i++) ways.push(this.ended(values[i], length, lmState));
    return ways;
  }

  /**
   * @param {number} word
   * @param {number} length
   * @param {number} lmState
   * @returns {EndedWord}
   */
  ended(word, length, lmState) {
    const id = word === NO_WORD ? 0 : this.lmIds[word];
    const after = this.query(lmState, id);
    let lmLogProb = after.logProb;
    if (word === NO_WORD) lmLogProb += this.unknownCharacter * length;
    else if (id === 0) lmLogProb += this.unknownShare;
    return {word, lmState: after.state, lmLogProb, gain: this.weight * lmLogProb + this.bonus};
  }

  /**
   * The id of a word in the language model; 0: it does not know it.
   * @param {string} word
   */
  wordId(word) {
    this.ids ??= new Map(this.lm?.words.map((text, id) => [text, id]));
    return this.ids.get(word) ?? 0;
  }

  /**
   * The log-probability that the text ends in a state.
   * @param {number} lmState
   */
  endLogProb(lmState) {
    return this.lm ? this.lm.step(lmState, this.lm.sentenceEnd).logProb : 0;
  }

  /**
   * The language model's answer, which many frames ask for again.
   * @param {number} state
   * @param {number} word
   */
  query(state, word) {
    if (!this.lm) return {state, logProb: 0};
    const key = state * this.lm.numWords + word;
    let answer = this.memory.get(key);
    if (!answer) this.memory.set(key, (answer = this.lm.step(state, word)));
    return answer;
  }
}

/**
 * The id of each word in a language model; 0 if the model does not know it.
 * @param {string[]} words
 * @param {SearchModel | null} lm
 */
function lmIds(words, lm) {
  if (!lm) return new Int32Array(words.length);
  if (words === lm.words) return Int32Array.from(words, (_, id) => id);
  const ids = new Map(lm.words.map((word, id) => [word, id]));
  return Int32Array.from(words, (word) => ids.get(word) ?? 0);
}
