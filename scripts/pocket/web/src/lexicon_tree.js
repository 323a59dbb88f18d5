/** Lexicons as prefix trees, whose format is that of speechlstm/decoding/lexicon_tree.py. */

import {crc32, decodeText, numbersAt, startsWith, toHex} from './bytes.js';
import {LexiconError} from './errors.js';
import {message} from './model_file.js';
import {PrefixTree} from './prefix_tree.js';

const MAGIC = 'slstmlex';
const VERSION = 1;
const FIRST = 16; // the first byte that the checksum covers
const ARRAYS = 60; // the first byte of the arrays
const MAX_SYMBOLS = 500;

/** Words and their label sequences. A word may have several, and words may have the same. */
export class LexiconTree {
  /**
   * @param {string[]} words
   * @param {PrefixTree} tree Its values are indices into words.
   * @param {string | null} alphabetSha256 Of the alphabet of the labels; null: not known.
   */
  constructor(words, tree, alphabetSha256) {
    this.words = words;
    this.tree = tree;
    this.alphabetSha256 = alphabetSha256;
  }

  /**
   * Reads a packed file and checks all of it.
   * @param {Uint8Array} bytes
   * @throws {LexiconError} It is not a packed lexicon, or damaged, truncated or of another version.
   */
  static read(bytes) {
    if (!startsWith(bytes, MAGIC) || bytes.length < ARRAYS) {
      throw new LexiconError('lexicon.tree: is not a packed lexicon');
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const numbers = [8, 12, 16, 20, 24].map((place) => view.getUint32(place, true));
    const [version, checksum, numLabels, numNodes, numValues] = numbers;
    if (version !== VERSION) {
      throw new LexiconError(
        `lexicon.tree: has format version ${version}, not ${VERSION}: pack it again`,
      );
    }
    if (crc32(bytes.subarray(FIRST)) !== checksum) {
      throw new LexiconError('lexicon.tree: is damaged or truncated: its checksum differs');
    }
    try {
      const label = numLabels <= 256 ? Uint8Array : Uint16Array;
      let start = ARRAYS;
      const take = (/** @type {any} */ kind, /** @type {number} */ length) => {
        const array = numbersAt(kind, bytes, start, length);
        start += length * kind.BYTES_PER_ELEMENT;
        return array;
      };
      const arrays = [take(label, numNodes), take(label, numNodes), take(Uint16Array, numNodes)];
      const values = take(Int32Array, numValues);
      const words = decodeText(bytes.subarray(start)).split('\n').slice(0, -1);
      const [labels, numChildren, valuesOf] = arrays;
      const tree = new PrefixTree(numLabels, labels, numChildren, valuesOf, values, words.length);
      return new LexiconTree(words, tree, toHex(bytes.subarray(28, ARRAYS)));
    } catch (error) {
      throw new LexiconError(`lexicon.tree: is damaged: ${message(error)}`);
    }
  }

  /**
   * The label sequences of some words, those of each in the order of the tree.
   * @param {string[]} wanted
   * @returns {Map<string, number[][]>}
   */
  sequencesOf(wanted) {
    const {tree, words} = this;
    const texts = new Set(wanted);
    const ids = new Set(words.flatMap((word, id) => (texts.has(word) ? [id] : [])));
    /** @type {Map<string, number[][]>} */
    const found = new Map();
    for (let node = 0; ids.size && node < tree.outside; node++) {
      for (let i = tree.firstValue[node]; i < tree.firstValue[node + 1]; i++) {
        if (!ids.has(tree.values[i])) continue;
        const word = words[tree.values[i]];
        found.set(word, [...(found.get(word) ?? []), tree.sequence(node)]);
      }
    }
    return found;
  }

  /**
   * A lexicon in which words are spelled by their characters; words with other characters, or too
   * many, have no spelling.
   * @param {string[]} words
   * @param {import('./alphabet.js').Alphabet} alphabet Its symbols must be characters.
   */
  static fromWords(words, alphabet) {
    const labels = new Map(alphabet.symbols.map((symbol, i) => [symbol, i + 1]));
    labels.delete(' ');
    const sequences = words.map((text) => {
      const spelling = Array.from(text, (character) => labels.get(character) ?? 0);
      const isSpelled = spelling.length && spelling.length <= MAX_SYMBOLS && !spelling.includes(0);
      return isSpelled ? [spelling] : [];
    });
    return LexiconTree.fromSequences(words, sequences, alphabet.numLabels);
  }

  /**
   * A lexicon from words and the label sequences of each.
   * @param {string[]} words
   * @param {number[][][]} sequences
   * @param {number} numLabels
   */
  static fromSequences(words, sequences, numLabels) {
    const ways = sequences.flatMap((rows, word) => rows.map((labels) => ({word, labels})));
    const tree = PrefixTree.build(numLabels, ways.map(({labels}) => labels));
    tree.values = tree.values.map((index) => ways[index].word);
    return new LexiconTree(words, tree, null);
  }
}
