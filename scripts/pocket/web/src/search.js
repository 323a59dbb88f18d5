/**
 * CTC prefix beam search, as in speechlstm/decoding/search.py: the same hypotheses in the same order
 * with the same scores. There they are columns of arrays that are found by hashes of their labels;
 * here they are objects, and equal ones have the same prefix.
 */

import {BLANK} from './alphabet.js';
import {NO_WORD} from './fusion.js';
import {LOG_ZERO, argmax, logAddExp} from './log_probs.js';
import {ROOT} from './prefix_tree.js';

/**
 * A hypothesis at the end of a search: its labels, the word that ends before each label and at the
 * end (or NO_WORD), and natural logarithms: of all paths that were kept, of the words in the
 * language model, and the score that ranks it.
 * @typedef {{labels: number[], words: number[], logProb: number, lmLogProb: number, score: number}}
 *   Path
 */

/** A hypothesis during the search. All numbers but node, length, last and word are logarithms. */
export class Hypothesis {
  /** @param {number} prefix @param {number} last @param {number} lmState */
  constructor(prefix, last, lmState) {
    this.prefix = prefix; // what was emitted: see Prefixes
    this.last = last; // the last label
    this.node = ROOT; // in the lexicon's tree
    this.length = 0; // labels since the last word
    this.lmState = lmState;
    this.word = NO_WORD; // the word that has ended after the last label
    this.total = 0; // the probability of all paths so far,
    this.inBlank = 0; // of those that end in a blank,
    this.inLabel = -Infinity; // of those that end in the last label
    this.settled = 0; // what words have added to the score
    this.bonus = 0; // the same with the look-ahead of the unfinished word
    this.lm = 0; // the log-probability of the words in the language model
  }

  get score() {
    return this.total + this.bonus;
  }

  copy() {
    const copy = new Hypothesis(this.prefix, this.last, this.lmState);
    copy.node = this.node;
    copy.length = this.length;
    copy.word = this.word;
    copy.total = this.total;
    copy.inBlank = this.inBlank;
    copy.inLabel = this.inLabel;
    copy.settled = this.settled;
    copy.bonus = this.bonus;
    copy.lm = this.lm;
    return copy;
  }
}

const SPOTTED = 0; // instead of a label: a spotted phrase has ended

/** What hypotheses have emitted: a label after a word (or NO_WORD) after another prefix. */
class Prefixes {
  /**
   * @param {number} numWords Of the lexicon.
   * @param {number} numCodes Of hot words, which are below NO_WORD.
   */
  constructor(numWords, numCodes) {
    this.lowest = NO_WORD - numCodes; // of all words
    this.numSymbols = numWords - this.lowest;
    /** @type {Map<number, number>[]} by label, so that keys are below 2^53 */
    this.children = [];
    this.parents = [0];
    this.words = [NO_WORD];
    this.labels = [0];
  }

  /** @param {number} parent @param {number} word @param {number} label */
  child(parent, word, label) {
    const children = (this.children[label] ??= new Map());
    const key = parent * this.numSymbols + word - this.lowest;
    let prefix = children.get(key);
    if (prefix === undefined) {
      prefix = this.parents.length;
      children.set(key, prefix);
      this.parents.push(parent);
      this.words.push(word);
      this.labels.push(label);
    }
    return prefix;
  }

  /** The prefix that tells a spotted phrase from the same labels. @param {number} prefix @param {number} word */
  spotted(prefix, word) {
    return this.child(prefix, word, SPOTTED);
  }

  /** The labels of a prefix, and the word before each. @param {number} prefix */
  walk(prefix) {
    const labels = [];
    const words = [];
    for (; prefix; prefix = this.parents[prefix]) {
      if (this.labels[prefix] === SPOTTED) continue;
      labels.push(this.labels[prefix]);
      words.push(this.words[prefix]);
    }
    return {labels: labels.reverse(), words: words.reverse()};
  }
}

/** The search in one utterance. */
export class PrefixSearch {
  /**
   * @param {import('./fusion.js').WordFusion} fusion
   * @param {import('./fusion.js').DecodeConfig} config
   * @param {import('./log_probs.js').LogProbs} logProbs With finite values: see LogProbs.floored.
   * @param {number} [numCodes] Of hot words: see SpottedSearch.
   */
  constructor(fusion, config, logProbs, numCodes = 0) {
    this.fusion = fusion;
    this.config = config;
    this.logProbs = logProbs;
    this.prefixes = new Prefixes(fusion.lexicon.words.length, numCodes);
    this.beams = [new Hypothesis(0, fusion.boundary, fusion.startState)];
    this.limit = -config.maxScoreGap; // the lowest score that counts
    fusion.memory.clear();
  }

  /** The hypotheses after the last frame, in no particular order. */
  run() {
    const certain = Math.log(this.config.blankSkip);
    const {boundary} = this.fusion;
    let blanks = 0; // log-probability of the blank frames since the last searched frame
    let numBlanks = 0;
    for (let t = 0; t < this.logProbs.numFrames; t++) {
      const frame = this.logProbs.frame(t);
      const isBlank = frame[BLANK] >= certain;
      if (numBlanks && (!isBlank || this.hasPhrases(t))) {
        this.passBlanks(blanks);
        blanks = numBlanks = 0;
      }
      this.passPhrases(t);
      if (isBlank) {
        blanks += frame[BLANK];
        numBlanks += 1;
        continue;
      }
      const labels = this.activeLabels(frame);
      this.passFrame(
        frame, labels.filter((label) => label !== boundary), labels.includes(boundary),
      ); // prettier-ignore
    }
    if (numBlanks) this.passBlanks(blanks);
    this.passPhrases(this.logProbs.numFrames);
    return this.paths();
  }

  /** Whether passPhrases changes anything before frame t: see SpottedSearch. @param {number} t */
  hasPhrases(t) {
    return t < 0;
  }

  /** Called before frame t, and after the last one: see SpottedSearch. @param {number} t */
  passPhrases(t) {
    void t;
  }

  /** The labels to try: the probable ones and the most probable one. @param {Float32Array} frame */
  activeLabels(frame) {
    const best = argmax(frame);
    const labels = [];
    for (let label = BLANK + 1; label < frame.length; label++) {
      const isProbable = frame[label] >= this.config.minLabelLogProb && frame[label] > LOG_ZERO;
      if (isProbable || label === best) labels.push(label);
    }
    return labels;
  }

  /** @param {number} logProb */
  passBlanks(logProb) {
    this.limit += logProb;
    for (const beam of this.beams) {
      beam.total += logProb;
      beam.inBlank = beam.total;
      beam.inLabel = -Infinity;
    }
  }

  /**
   * Keeps hypotheses as they are and extends them by labels; the best ones survive.
   * @param {Float32Array} frame
   * @param {number[]} labels The labels to try, without the boundary.
   * @param {boolean} endsWords Whether to try the boundary.
   */
  passFrame(frame, labels, endsWords) {
    this.limit += frame[BLANK]; // all unchanged hypotheses reach it
    const promising = endsWords ? this.beams.filter((beam) => this.mayEnd(beam, frame)) : [];
    const longer = this.longer(frame, labels, promising);
    const known = new Map(this.beams.map((beam) => [beam.prefix, beam]));
    for (const beam of this.beams) {
      if (endsWords && beam.node === ROOT) beam.inLabel = beam.total; // repeats are silence
      beam.inLabel += frame[beam.last];
      beam.inBlank = beam.total + frame[BLANK];
    }
    for (const grown of longer) {
      const same = known.get(grown.prefix);
      if (!same) continue;
      same.inLabel = logAddExp(same.inLabel, grown.total);
      grown.total = -Infinity;
    }
    for (const beam of this.beams) beam.total = logAddExp(beam.inBlank, beam.inLabel);
    if (labels.length || promising.length) this.choose([...this.beams, ...longer]);
  }

  /**
   * The hypotheses extended by a label that can be among the best.
   * @param {Float32Array} frame
   * @param {number[]} labels
   * @param {Hypothesis[]} promising Those to be extended by the boundary.
   */
  longer(frame, labels, promising) {
    const {boundary, isOpen} = this.fusion;
    /** @type {Hypothesis[]} */
    const found = [];
    if (labels.length) {
      for (const beam of this.beams) this.grow(beam, frame, labels, found);
      if (!boundary && !isOpen) {
        for (const beam of this.beams) {
          for (const ended of this.ended(beam)) this.grow(ended, frame, labels, found);
        }
      }
    }
    for (const beam of promising) {
      for (const ended of this.ended(beam)) this.grow(ended, frame, [boundary], found);
    }
    return found;
  }

  /**
   * Whether a hypothesis is good enough for a word to end.
   * @param {Hypothesis} beam
   * @param {Float32Array} frame
   */
  mayEnd(beam, frame) {
    return beam.score + frame[this.fusion.boundary] >= this.limit;
  }

  /**
   * Appends a hypothesis with each label, unless its score would be below the limit.
   * @param {Hypothesis} beam
   * @param {Float32Array} frame
   * @param {number[]} labels
   * @param {Hypothesis[]} found
   */
  grow(beam, frame, labels, found) {
    const {fusion} = this;
    for (const label of labels) {
      if (!(beam.score + frame[label] >= this.limit)) continue;
      const grown = beam.copy();
      // A label repeats the last one only in paths that end in a blank.
      grown.total = (label === beam.last ? beam.inBlank : beam.total) + frame[label];
      grown.inLabel = grown.total;
      grown.inBlank = -Infinity;
      this.emit(grown, label);
      grown.bonus = grown.settled;
      if (label !== fusion.boundary) {
        grown.node = fusion.tree.child(beam.node, label);
        grown.length = beam.length + 1;
        grown.bonus += fusion.aheadOf(grown.node, grown.length);
      }
      found.push(grown);
    }
  }

  /**
   * Adds a label, and the word that has ended before it.
   * @param {Hypothesis} beam
   * @param {number} label
   */
  emit(beam, label) {
    // In an open vocabulary, labels alone tell hypotheses apart, but for those of hot words.
    const word = this.fusion.isOpen ? Math.min(beam.word, NO_WORD) : beam.word;
    beam.prefix = this.prefixes.child(beam.prefix, word, label);
    beam.last = label;
    beam.word = NO_WORD;
  }

  /** A hypothesis after the end of its word, in all possible ways. @param {Hypothesis} beam */
  ended(beam) {
    return this.fusion.endings(beam.node, beam.length, beam.lmState).map((ending) => {
      const ended = beam.copy();
      ended.node = ROOT;
      ended.length = 0;
      ended.word = ending.word;
      ended.lmState = ending.lmState;
      ended.settled += ending.gain;
      ended.bonus = ended.settled;
      ended.lm += ending.lmLogProb;
      return ended;
    });
  }

  /** Continues with the best hypotheses. @param {Hypothesis[]} beams */
  choose(beams) {
    const {beamWidth, maxScoreGap} = this.config;
    const scores = Float64Array.from(beams, (beam) => beam.score);
    const ranked = scores.slice().sort();
    this.limit = ranked[ranked.length - 1] - maxScoreGap;
    if (beams.length > beamWidth) {
      this.limit = Math.max(this.limit, ranked[ranked.length - beamWidth]);
    }
    let chosen = beams.filter((_, i) => scores[i] >= this.limit);
    if (chosen.length > beamWidth) {
      // Of equal scores the first are chosen; the order stays.
      const best = new Set([...chosen].sort((a, b) => b.score - a.score).slice(0, beamWidth));
      chosen = chosen.filter((beam) => best.has(beam));
    }
    this.beams = chosen;
  }

  /** The hypotheses with their last words ended. @returns {Path[]} */
  paths() {
    const between = this.beams.filter((beam) => beam.node === ROOT);
    const all = [...between, ...this.beams.flatMap((beam) => this.ended(beam))];
    // If all are within words, these are left unfinished.
    return (all.length ? all : this.beams).map((beam) => {
      const {labels, words} = this.prefixes.walk(beam.prefix);
      const lmLogProb = this.fusion.endLogProb(beam.lmState);
      return {
        labels,
        words: [...words, beam.word],
        logProb: beam.total,
        lmLogProb: beam.lm + lmLogProb,
        score: beam.total + beam.settled + this.fusion.weight * lmLogProb,
      };
    });
  }
}
