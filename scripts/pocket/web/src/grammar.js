/**
 * A closed grammar: one phrase after the other, out of a given list, and anything else as [unk]. It
 * is what speechlstm/decoding/grammar.py has, which gives the reasons: a language model whose states
 * are distributions over places within phrases. What is in no phrase is a sequence of fillers, which
 * are single sounds, each of which costs something.
 */

import {ConfigError, quoted} from './errors.js';
import {LexiconTree} from './lexicon_tree.js';
import {UNKNOWN, phraseLengths} from './phrases.js';

const IMPOSSIBLE = -1e4; // log-probability of what the grammar does not allow
const SPECIAL = ['<unk>', '<s>', '</s>'];
const ROOT = 0;
const FILLER_COST = 1.5; // a natural logarithm
const JOINED_SECONDS = 0.5; // fillers with a shorter pause between them are one [unk]

/**
 * A place within phrases: the weight of all phrases through here, of the one that ends here, and the
 * next place for each word.
 * @typedef {{weight: number, endWeight: number, children: Map<number, number>}} Node
 */

/** @returns {Node} */
const newNode = (weight = 0, endWeight = 0) => ({weight, endWeight, children: new Map()});

/** The language model of phrases in any number and order. */
export class PhraseGrammar {
  /**
   * @param {import('./phrases.js').Phrase[]} phrases
   * @param {string[]} fillers Their names; used only if UNKNOWN is one of the phrases.
   */
  constructor(phrases, fillers) {
    const spoken = phrases.filter(({text}) => text !== UNKNOWN);
    const unknown = phrases.find(({text}) => text === UNKNOWN)?.weight ?? 0;
    this.phrases = new Set(phrases.map(({text}) => text));
    this.vocabulary = [...new Set(spoken.flatMap(({text}) => text.split(' ')))];
    this.hasUnknown = unknown > 0;
    this.words = [...SPECIAL, ...this.vocabulary, ...(this.hasUnknown ? fillers : [])];
    this.numWords = this.words.length;
    /** @type {string | null} */
    this.alphabetSha256 = null;
    this.startState = 0;
    this.sentenceEnd = 2;
    this.firstFiller = SPECIAL.length + this.vocabulary.length;
    this.ids = new Map(this.words.map((word, id) => [word, id]));
    /** @type {Node[]} */
    this.nodes = [newNode()];
    for (const phrase of spoken) this.add(phrase);
    this.fillerNode = this.nodes.length;
    this.nodes.push(newNode(unknown, unknown));
    this.nodes[ROOT].weight += unknown;
    /** @type {[number, number][][]} nodes with their probabilities, which sum to 1; of each state */
    this.places = [[[ROOT, 1]]];
    this.states = new Map([[String(this.places[0]), 0]]);
    /** @type {Map<number, {state: number, logProb: number}>} by state and word */
    this.steps = new Map();
  }

  /** @param {import('./phrases.js').Phrase} phrase */
  add({text, weight}) {
    let node = this.nodes[ROOT];
    node.weight += weight;
    for (const word of text.split(' ').map((name) => this.wordId(name))) {
      let child = node.children.get(word);
      if (child === undefined) {
        child = this.nodes.length;
        node.children.set(word, child);
        this.nodes.push(newNode());
      }
      node = this.nodes[child];
      node.weight += weight;
    }
    node.endWeight += weight;
  }

  /** @param {string} word */
  wordId(word) {
    return this.ids.get(word) ?? 0;
  }

  /** The largest log-probability of each word in any place, which bounds it from above. */
  unigramLogProbs() {
    const logProbs = new Float32Array(this.numWords).fill(IMPOSSIBLE);
    for (const {weight, children} of this.nodes) {
      for (const [word, child] of children) {
        logProbs[word] = Math.max(logProbs[word], Math.log(this.nodes[child].weight / weight));
      }
    }
    if (this.hasUnknown) {
      logProbs[0] = 0;
      logProbs.fill(-FILLER_COST, this.firstFiller);
    }
    return logProbs;
  }

  /**
   * Reads one word in one state; what the grammar does not allow has a log-probability of -10,000.
   * @param {number} state
   * @param {number} word
   */
  step(state, word) {
    const key = state * this.numWords + word;
    let step = this.steps.get(key);
    if (!step) {
      const {state: after, logProb} = this.newStep(this.places[state], word);
      this.steps.set(key, (step = {state: after, logProb: Math.fround(logProb)}));
    }
    return step;
  }

  /**
   * @param {[number, number][]} places
   * @param {number} word
   */
  newStep(places, word) {
    const open = this.withEnds(places);
    if (word === this.sentenceEnd) {
      const atEnd = open.get(ROOT) ?? 0;
      return {state: this.state([[ROOT, 1]]), logProb: atEnd ? Math.log(atEnd) : IMPOSSIBLE};
    }
    // What is in no phrase continues, and does not begin anew.
    if (open.has(this.fillerNode) && this.isFiller(word)) open.delete(ROOT);
    /** @type {Map<number, number>} */
    const reached = new Map();
    for (const [number, probability] of open) {
      const next = this.following(number, word);
      if (next) reached.set(next[0], (reached.get(next[0]) ?? 0) + probability * next[1]);
    }
    const total = [...reached.values()].reduce((a, b) => a + b, 0);
    if (!total) return {state: this.state([[ROOT, 1]]), logProb: IMPOSSIBLE};
    /** @type {[number, number][]} */
    const after = [...reached].map(([child, p]) => [child, Math.round((p / total) * 1e9) / 1e9]);
    const cost = word >= this.firstFiller ? FILLER_COST : 0;
    return {state: this.state(after.sort((a, b) => a[0] - b[0])), logProb: Math.log(total) - cost};
  }

  /** The places, and the root in addition if a phrase may end. @param {[number, number][]} places */
  withEnds(places) {
    const found = new Map(places);
    for (const [number, probability] of places) {
      const {weight, endWeight} = this.nodes[number];
      if (number === ROOT || !endWeight) continue;
      found.set(ROOT, (found.get(ROOT) ?? 0) + (probability * endWeight) / weight);
    }
    return found;
  }

  /**
   * The place that a word leads to, with its probability there; null: none.
   * @param {number} number
   * @param {number} word
   * @returns {[number, number] | null}
   */
  following(number, word) {
    const {weight, children} = this.nodes[number];
    if (this.isFiller(word)) {
      if (number === this.fillerNode) return [number, 1];
      if (number !== ROOT) return null;
      return [this.fillerNode, this.nodes[this.fillerNode].weight / weight];
    }
    const child = children.get(word);
    return child === undefined ? null : [child, this.nodes[child].weight / weight];
  }

  /** @param {number} word */
  isFiller(word) {
    return this.hasUnknown && (word === 0 || word >= this.firstFiller);
  }

  /** @param {[number, number][]} places */
  state(places) {
    const key = String(places);
    let state = this.states.get(key);
    if (state === undefined) {
      state = this.places.length;
      this.states.set(key, state);
      this.places.push(places);
    }
    return state;
  }

  /**
   * Hypotheses of the search that the grammar allows, each text once, at least one. If the last
   * phrase is incomplete in all of them, it is left out of the best one or, if that is one of the
   * phrases, becomes [unk].
   * @param {import('./greedy.js').Hypothesis[]} hypotheses At least one.
   */
  allowed(hypotheses) {
    /** @type {Map<string, import('./greedy.js').Hypothesis>} */
    const found = new Map();
    for (const hypothesis of hypotheses) {
      if (hypothesis.lmLogProb <= IMPOSSIBLE / 2) continue;
      const written = this.withUnknown(hypothesis);
      if (!found.has(written.text)) found.set(written.text, written);
    }
    if (found.size) return [...found.values()];
    const [best] = hypotheses;
    return [this.withUnknown({...best, words: this.complete(best.words)})];
  }

  /**
   * The words to the last end of a phrase; the others become [unk] or are left out.
   * @param {import('./words.js').Word[]} words
   */
  complete(words) {
    let state = this.startState;
    let numComplete = 0;
    for (const [index, word] of words.entries()) {
      const after = this.step(state, this.wordId(word.text));
      if (after.logProb < IMPOSSIBLE / 2) break;
      state = after.state;
      if (this.step(state, this.sentenceEnd).logProb > IMPOSSIBLE / 2) numComplete = index + 1;
    }
    const rest = this.hasUnknown ? words.slice(numComplete) : [];
    return [...words.slice(0, numComplete), ...rest.map((word) => ({...word, text: UNKNOWN}))];
  }

  /**
   * The phrases that words of a hypothesis consist of; what follows the last complete one is one
   * more.
   * @param {import('./words.js').Word[]} words
   */
  units(words) {
    const lengths = phraseLengths(words.map(({text}) => text), this.phrases);
    let end = 0;
    return lengths.map((length) => words.slice(end, (end += length)));
  }

  /**
   * A hypothesis with [unk] in place of fillers and of words that are in no phrase.
   * @param {import('./greedy.js').Hypothesis} hypothesis
   */
  withUnknown(hypothesis) {
    const known = new Set(this.vocabulary);
    /** @type {import('./words.js').Word[]} */
    const words = [];
    for (const word of hypothesis.words) {
      const last = words[words.length - 1];
      if (known.has(word.text)) {
        words.push(word);
      } else if (last?.text === UNKNOWN && word.start - last.end < JOINED_SECONDS) {
        const confidence = (last.confidence + word.confidence) / 2;
        words[words.length - 1] = {...last, end: word.end, confidence};
      } else {
        words.push({...word, text: UNKNOWN});
      }
    }
    return {...hypothesis, text: words.map(({text}) => text).join(' '), words};
  }
}

/**
 * The grammar of phrases and its lexicon: its words, and a filler for each phone. An alphabet of
 * characters needs no fillers, because a search can spell unknown words.
 * @param {import('./phrases.js').Phrase[]} phrases
 * @param {import('./alphabet.js').Alphabet} alphabet That the decoder reads.
 * @param {LexiconTree | null} lexicon The bundle's.
 * @throws {ConfigError} A word is not in the lexicon, or the alphabet cannot spell it.
 */
export function grammarOf(phrases, alphabet, lexicon) {
  const fillers = alphabet.separator ? alphabet.symbols.map((symbol) => `[${symbol}]`) : [];
  const grammar = new PhraseGrammar(phrases, fillers);
  const {vocabulary} = grammar;
  if (!alphabet.separator) {
    const missing = vocabulary.find((word) => [...word].some((c) => !alphabet.symbols.includes(c)));
    if (missing) throw new ConfigError(`phrases: the alphabet cannot spell ${quoted(missing)}`);
    return {grammar, lexicon: LexiconTree.fromWords(vocabulary, alphabet)};
  }
  const known = lexicon?.sequencesOf(vocabulary) ?? new Map();
  const missing = vocabulary.find((word) => !known.has(word));
  if (missing) {
    throw new ConfigError(`phrases: ${quoted(missing)} is not in the lexicon; add it to the lexicon`);
  }
  const sequences = vocabulary.map((word) => known.get(word) ?? []);
  if (grammar.hasUnknown) fillers.forEach((_, i) => sequences.push([[i + 1]]));
  const words = grammar.words.slice(SPECIAL.length);
  return {grammar, lexicon: LexiconTree.fromSequences(words, sequences, alphabet.numLabels)};
}

/**
 * The settings of a search for phrases. The lexicon is small, so that labels and hypotheses can be
 * kept which other searches give up.
 * @param {import('./fusion.js').DecodeConfig} config
 * @param {PhraseGrammar} grammar
 * @returns {import('./fusion.js').DecodeConfig}
 */
export function grammarConfig(config, grammar) {
  return {
    ...config,
    lmWeight: 1,
    wordBonus: 0,
    unknownCharacterLogProb: -FILLER_COST,
    openVocabulary: grammar.hasUnknown,
    minLabelLogProb: -12,
    maxScoreGap: Math.max(25, config.maxScoreGap),
    beamWidth: Math.max(200, config.beamWidth),
  };
}
