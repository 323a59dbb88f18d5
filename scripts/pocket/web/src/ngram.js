/**
 * Packed n-gram models, whose format is that of speechlstm/lm/ngram/packed.py and trie.py.
 *
 * Nodes are the n-grams, ordered by context and word; states are the contexts. All arrays are views
 * of the file. Every index in them is checked once, so that queries need no checks.
 */

import {crc32, decodeText, numbersAt, startsWith} from './bytes.js';
import {LanguageModelError, quoted} from './errors.js';
import {message} from './model_file.js';

const MAGIC = 'slstm-lm';
const FORMAT_VERSION = 1;
const PREFIX_BYTES = 20;
const ALIGNMENT = 64;
const NUM_CODES = 256;
const MAX_ORDER = 10;
const LOWEST = -1e4; // natural log; keeps the values of a damaged file finite

const HEADER_KEYS = [
  'num_ngrams', 'num_states', 'start_state', 'sentence_end', 'vocabulary_bytes', 'quantized',
  'alphabet_sha256', 'crc32', 'writer',
]; // prettier-ignore

/** A back-off n-gram model. Its states are contexts; state 0 is the empty one. */
export class NGramModel {
  /**
   * Reads a packed file and checks all of it.
   * @param {Uint8Array} bytes
   * @throws {LanguageModelError} It is not a packed model, or damaged, truncated, of another version.
   */
  constructor(bytes) {
    const {header, start} = readHeader(bytes);
    if (crc32(bytes.subarray(start)) !== header.crc32) {
      throw new LanguageModelError('lm.ngram: is damaged: its checksum differs');
    }
    const arrays = readArrays(bytes, header, start);
    this.numNgrams = header.num_ngrams;
    this.numWords = header.num_ngrams[0];
    this.order = header.num_ngrams.length;
    this.startState = header.start_state;
    this.sentenceEnd = header.sentence_end;
    /** @type {string | null} */
    this.alphabetSha256 = header.alphabet_sha256;
    this.nodeWords = arrays.words;
    this.children = arrays.children;
    this.suffixes = arrays.suffixes;
    checkTrie(arrays, header);
    this.logProbs = decoded(arrays.logProbs, arrays.codebooks, header.num_ngrams, 0);
    this.backoffs = decoded(arrays.backoffs, arrays.codebooks, header.num_states, this.order);
    this.statesOfNodes = statesOfNodes(arrays.contexts, header.num_ngrams);
    this.words = readWords(arrays.vocabulary, this.numWords);
  }

  /** Natural log-probability of each word without context. */
  unigramLogProbs() {
    return this.logProbs.slice(0, this.numWords).map((value) => bounded(value));
  }

  /**
   * Reads one word in one state.
   * @param {number} state
   * @param {number} word
   * @returns {{state: number, logProb: number}} The state after it, its natural log-probability.
   */
  step(state, word) {
    let logProb = 0;
    let after = 0;
    let isScored = false;
    for (;;) {
      const node = state ? this.find(state, word) : word; // unigrams are at the ids of their words
      if (node >= 0) {
        if (!isScored) logProb += this.logProbs[node];
        isScored = true;
        after = node < this.statesOfNodes.length ? this.statesOfNodes[node] : 0;
        if (after || !state) break;
      } else if (!isScored) {
        logProb += this.backoffs[state];
      }
      state = this.suffixes[state];
    }
    return {state: after, logProb: Math.fround(bounded(logProb))};
  }

  /**
   * The node of a word after a state; -1 if the model has not seen it there.
   * @param {number} state
   * @param {number} word
   */
  find(state, word) {
    let first = this.children[state];
    let stop = this.children[state + 1];
    while (first < stop) {
      const middle = (first + stop) >>> 1;
      if (this.nodeWords[middle] < word) first = middle + 1;
      else stop = middle;
    }
    return first < this.children[state + 1] && this.nodeWords[first] === word ? first : -1;
  }
}

/** @param {Uint8Array} bytes */
function readHeader(bytes) {
  if (!startsWith(bytes, MAGIC) || bytes.length < PREFIX_BYTES) {
    throw new LanguageModelError('lm.ngram: is not a packed language model');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [version, size, checksum] = [8, 12, 16].map((place) => view.getUint32(place, true));
  if (version !== FORMAT_VERSION) {
    throw new LanguageModelError(
      `lm.ngram: has format version ${version}, not ${FORMAT_VERSION}: build it again`,
    );
  }
  const text = bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + size);
  if (text.length !== size || crc32(text) !== checksum) {
    throw new LanguageModelError('lm.ngram: is damaged: the checksum of its header differs');
  }
  const start = PREFIX_BYTES + size;
  if (start % ALIGNMENT) {
    throw new LanguageModelError('lm.ngram: is damaged: its arrays are not aligned');
  }
  try {
    return {header: checkedHeader(JSON.parse(decodeText(text))), start};
  } catch (error) {
    throw new LanguageModelError(`lm.ngram: has a wrong header: ${message(error)}`);
  }
}

/** @param {any} header Untrusted JSON. */
function checkedHeader(header) {
  if (header === null || typeof header !== 'object' || Array.isArray(header)) {
    throw new RangeError('must be an object');
  }
  const keys = Object.keys(header);
  if (keys.length !== HEADER_KEYS.length || HEADER_KEYS.some((key) => !(key in header))) {
    throw new RangeError(`must have ${HEADER_KEYS.join(', ')}`);
  }
  const {num_ngrams: ngrams, num_states: states} = header;
  const areLists = Array.isArray(ngrams) && Array.isArray(states);
  const counts = areLists ? [...ngrams, ...states, header.vocabulary_bytes, header.crc32] : [NaN];
  if (!counts.every((count) => isBelow(count, 2 ** 32))) {
    throw new RangeError('sizes must be whole numbers below 2^32');
  }
  const areFitting =
    ngrams.length >= 1 && ngrams.length === states.length && ngrams.length <= MAX_ORDER;
  // A state is the empty context or an n-gram below the highest order.
  const isTooMany = (/** @type {number} */ num, /** @type {number} */ k) =>
    num > (k ? ngrams[k - 1] : 1);
  if (!areFitting || states.some(isTooMany)) {
    throw new RangeError(`numbers of n-grams and states cannot be ${quoted([ngrams, states])}`);
  }
  if (!isBelow(header.start_state, sum(states)) || !isBelow(header.sentence_end, ngrams[0])) {
    throw new RangeError('start_state or sentence_end is out of range');
  }
  if (typeof header.quantized !== 'boolean') throw new RangeError('quantized must be a bool');
  if (header.alphabet_sha256 !== null && typeof header.alphabet_sha256 !== 'string') {
    throw new RangeError('alphabet_sha256 must be a string or null');
  }
  return header;
}

/**
 * @param {Uint8Array} bytes
 * @param {any} header
 * @param {number} start
 */
function readArrays(bytes, header, start) {
  const numNodes = sum(header.num_ngrams);
  const numStates = sum(header.num_states);
  const value = header.quantized ? Uint8Array : Float32Array;
  const numBooks = header.quantized ? 2 * header.num_ngrams.length : 0;
  const take = (/** @type {any} */ kind, /** @type {number} */ length) => {
    const array = numbersAt(kind, bytes, start, length);
    start += Math.ceil((length * kind.BYTES_PER_ELEMENT) / ALIGNMENT) * ALIGNMENT;
    return array;
  };
  try {
    const arrays = {
      vocabulary: take(Uint8Array, header.vocabulary_bytes),
      words: take(header.num_ngrams[0] <= 2 ** 16 ? Uint16Array : Uint32Array, numNodes),
      logProbs: take(value, numNodes),
      contexts: take(Uint32Array, numStates),
      children: take(Uint32Array, numStates + 1),
      suffixes: take(Uint32Array, numStates),
      backoffs: take(value, numStates),
      codebooks: take(Float32Array, numBooks * NUM_CODES),
    };
    if (start !== bytes.length) throw new RangeError(`has ${bytes.length} bytes, not ${start}`);
    return arrays;
  } catch (error) {
    throw new LanguageModelError(`lm.ngram: ${message(error)}`);
  }
}

/**
 * Refuses arrays that refer to nodes, states or words that there are not, as a file with a valid
 * checksum may, or to suffixes that are not shorter, which a query would follow for ever.
 * @param {any} arrays
 * @param {any} header
 */
function checkTrie(arrays, header) {
  const {words, contexts, children, suffixes} = arrays;
  const [numNodes, numWords] = [words.length, header.num_ngrams[0]];
  let isDamaged = children[children.length - 1] > numNodes;
  for (let s = 0; s + 1 < children.length; s++) isDamaged ||= children[s] > children[s + 1];
  for (let s = 1; s < suffixes.length; s++) isDamaged ||= suffixes[s] >= s;
  for (let s = 1; s < contexts.length; s++) isDamaged ||= contexts[s] >= numNodes;
  for (let node = 0; node < numNodes; node++) isDamaged ||= words[node] >= numWords;
  if (isDamaged) throw new LanguageModelError('lm.ngram: is damaged: an index is out of range');
}

/**
 * Values, in place of their codes if there are any. (A codebook lookup for each query would cost
 * less memory, but two more branches.)
 * @param {Uint8Array | Float32Array} values In parts, one for each order.
 * @param {Float32Array} codebooks
 * @param {number[]} sizes Of the parts.
 * @param {number} firstBook
 */
function decoded(values, codebooks, sizes, firstBook) {
  if (values instanceof Float32Array) return values;
  if (!codebooks.every(Number.isFinite)) {
    throw new LanguageModelError('lm.ngram: is damaged: a codebook has values that are not finite');
  }
  const floats = new Float32Array(values.length);
  let node = 0;
  sizes.forEach((size, k) => {
    const book = (firstBook + k) * NUM_CODES;
    for (const stop = node + size; node < stop; node++) floats[node] = codebooks[book + values[node]];
  });
  return floats;
}

/**
 * The state of each node below the highest order; 0: it is none.
 * @param {Uint32Array} contexts
 * @param {number[]} numNgrams
 */
function statesOfNodes(contexts, numNgrams) {
  const states = new Uint32Array(sum(numNgrams.slice(0, -1)));
  for (let state = 1; state < contexts.length; state++) states[contexts[state]] = state;
  return states;
}

/**
 * @param {Uint8Array} vocabulary
 * @param {number} numWords
 */
function readWords(vocabulary, numWords) {
  let words;
  try {
    words = decodeText(vocabulary).split('\n').slice(0, -1);
  } catch {
    throw new LanguageModelError('lm.ngram: is damaged: its vocabulary is not UTF-8');
  }
  if (words.length !== numWords) {
    throw new LanguageModelError(`lm.ngram: is damaged: has ${words.length} words, not ${numWords}`);
  }
  return words;
}

/** @param {number} value */
const bounded = (value) => (value >= LOWEST ? Math.min(0, value) : LOWEST); // NaN becomes LOWEST

/** @param {number[]} values */
const sum = (values) => values.reduce((total, value) => total + value, 0);

/**
 * @param {unknown} value
 * @param {number} limit
 */
const isBelow = (value, limit) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < limit;
