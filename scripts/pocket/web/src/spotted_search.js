/**
 * The search with phrases that hypotheses may contain in certain frames: see
 * speechlstm/decoding/spotted_search.py. A hypothesis that begins a phrase leaves the beam, and
 * returns after the phrase's last frame.
 */

import {NO_WORD} from './fusion.js';
import {logAddExp} from './log_probs.js';
import {ROOT} from './prefix_tree.js';
import {PrefixSearch} from './search.js';

const NUM_BEGINNING = 64; // the number of best hypotheses that may continue with a phrase

/** The search in one utterance, with spotted phrases. */
export class SpottedSearch extends PrefixSearch {
  /**
   * @param {import('./fusion.js').WordFusion} fusion
   * @param {import('./fusion.js').DecodeConfig} config
   * @param {import('./log_probs.js').LogProbs} logProbs As of PrefixSearch.
   * @param {import('./hot_words.js').SpottedPhrase[]} spotted
   * @param {number} numCodes Of the words of hot words.
   */
  constructor(fusion, config, logProbs, spotted, numCodes) {
    super(fusion, config, logProbs, numCodes);
    /** @type {Map<number, import('./search.js').Hypothesis[]>} by the frame after the phrase */
    this.arriving = new Map();
    /** @type {Map<number, import('./hot_words.js').SpottedPhrase[]>} by their first frame */
    this.starting = new Map();
    for (const phrase of spotted) {
      this.starting.set(phrase.start, [...(this.starting.get(phrase.start) ?? []), phrase]);
    }
  }

  /** @override @param {number} t */
  hasPhrases(t) {
    return this.starting.has(t) || this.arriving.has(t);
  }

  /** @override @param {number} t */
  passPhrases(t) {
    this.beams.push(...(this.arriving.get(t) ?? []));
    for (const phrase of this.starting.get(t) ?? []) {
      const after = this.betweenWords().flatMap((beam) => this.afterPhrase(beam, phrase));
      this.arriving.set(phrase.stop, [...(this.arriving.get(phrase.stop) ?? []), ...after]);
    }
  }

  /** Copies of the best hypotheses after which a phrase may begin; their words are ended. */
  betweenWords() {
    const {boundary, isOpen} = this.fusion;
    let beams = this.beams.map((beam) => beam.copy());
    if (boundary || !isOpen) {
      const ended = this.beams.flatMap((beam) => this.ended(beam));
      if (boundary) ended.forEach((beam) => this.emit(beam, boundary));
      beams = distinct([...beams.filter(({node}) => node === ROOT), ...ended]);
    }
    const score = (/** @type {import('./search.js').Hypothesis} */ b) => b.total + b.settled;
    return beams.sort((a, b) => score(b) - score(a)).slice(0, NUM_BEGINNING);
  }

  /**
   * A hypothesis after a spotted phrase; none if no path leads there.
   * @param {import('./search.js').Hypothesis} beam
   * @param {import('./hot_words.js').SpottedPhrase} phrase
   */
  afterPhrase(beam, phrase) {
    const {fusion} = this;
    // A label repeats the last one only in paths that end in a blank.
    if (beam.last === phrase.labels[0]) beam.total = beam.inBlank;
    beam.total += phrase.logProb;
    beam.inLabel = beam.total;
    beam.inBlank = -Infinity;
    phrase.labels.forEach((label, i) => {
      if (phrase.ended[i] !== NO_WORD) beam.word = phrase.ended[i];
      this.emit(beam, label);
    });
    beam.word = phrase.last;
    beam.prefix = this.prefixes.spotted(beam.prefix, phrase.last);
    let ahead = 0;
    if (fusion.isOpen && !fusion.boundary) {
      for (const label of phrase.labels) {
        beam.node = fusion.tree.child(beam.node, label); // the word may continue
        ahead = fusion.aheadOf(beam.node, (beam.length += 1));
      }
    } else {
      for (const word of phrase.words) this.addWord(beam, word);
    }
    beam.settled += phrase.gain;
    beam.bonus = beam.settled + ahead;
    return beam.total > -Infinity ? [beam] : [];
  }

  /**
   * Adds a word, which may be in the lexicon or not.
   * @param {import('./search.js').Hypothesis} beam
   * @param {string} word
   */
  addWord(beam, word) {
    const {fusion} = this;
    const id = fusion.wordId(word);
    const {state, logProb} = fusion.query(beam.lmState, id);
    const lmLogProb = logProb + (id === 0 ? fusion.unknownShare : 0);
    beam.lmState = state;
    beam.lm += lmLogProb;
    beam.settled += fusion.weight * lmLogProb + fusion.bonus;
  }
}

/**
 * Each hypothesis once, with the probability of all that are equal to it.
 * @param {import('./search.js').Hypothesis[]} beams
 */
function distinct(beams) {
  /** @type {Map<string, import('./search.js').Hypothesis>} */
  const found = new Map();
  for (const beam of beams) {
    const key = `${beam.prefix} ${beam.word}`;
    const same = found.get(key);
    if (same) {
      same.total = logAddExp(same.total, beam.total);
      same.inBlank = logAddExp(same.inBlank, beam.inBlank);
    } else {
      found.set(key, beam);
    }
  }
  return [...found.values()];
}
