/** The alphabet: the symbols that the network can emit, and their labels. */

import {sha256} from './bytes.js';
import {BundleError, quoted} from './errors.js';

export const BLANK = 0; // CTC's blank is label 0 everywhere; symbols follow from label 1

/** An ordered set of symbols: characters, or phones written with a separator between them. */
export class Alphabet {
  /**
   * @param {string[]} symbols Symbol k has label k + 1.
   * @param {string} separator Written between two symbols of a text: "" for characters.
   */
  constructor(symbols, separator) {
    this.symbols = symbols;
    this.separator = separator;
    this.numLabels = symbols.length + 1;
  }

  /**
   * The alphabet in a description.
   * @param {string} name
   * @param {any} values Untrusted JSON.
   * @throws {BundleError} It is not an alphabet.
   */
  static parse(name, values) {
    const {symbols, separator, blank} = values ?? {};
    const areStrings = Array.isArray(symbols) && [...symbols, separator].every(isString);
    if (!areStrings) {
      throw new BundleError(`${name}: symbols must be a list of strings, separator a string`);
    }
    if (blank !== BLANK) throw new BundleError(`${name}.blank: must be 0, is ${quoted(blank)}`);
    if (!symbols.length || symbols.includes('') || new Set(symbols).size < symbols.length) {
      throw new BundleError(`${name}: symbols must be different, and none may be empty`);
    }
    const isWrong = separator
      ? symbols.some((/** @type {string} */ symbol) => symbol.includes(separator))
      : symbols.some((/** @type {string} */ symbol) => [...symbol].length > 1);
    if (isWrong) throw new BundleError(`${name}: its symbols do not fit its separator`);
    return new Alphabet(symbols, separator);
  }

  /** Identifies the alphabet; null where there is no crypto.subtle. */
  sha256() {
    const text = [this.separator, ...this.symbols].join('\0');
    return sha256(new TextEncoder().encode(text));
  }

  /**
   * The text of labels, without blanks.
   * @param {ArrayLike<number>} labels
   */
  decode(labels) {
    return Array.from(labels, (label) => this.symbols[label - 1]).join(this.separator);
  }
}

/** @param {unknown} value */
const isString = (value) => typeof value === 'string';
