/** Phrases, the only ones that a closed grammar can recognise: see speechlstm/text/phrases.py. */

import {ConfigError, quoted} from './errors.js';
import {normalized} from './normalize.js';

export const UNKNOWN = '[unk]'; // stands for anything else
const MAX_LENGTH = 200; // characters of a phrase
const MAX_PHRASES = 10_000;
const LEAST_WEIGHT = 1e-6;
const MAX_WEIGHT = 1e6;

/**
 * Normalised words or UNKNOWN, and how probable they are, relative to the others.
 * @typedef {{text: string, weight: number}} Phrase
 */

/**
 * Phrases from strings such as 'turn on the light' or 'stop:2' (with a weight).
 * @param {unknown} given
 * @returns {Phrase[]}
 * @throws {ConfigError} There is none, one is given twice or not valid, or there are too many.
 */
export function parsePhrases(given) {
  if (!Array.isArray(given) || !given.every((item) => typeof item === 'string')) {
    throw new ConfigError(`phrases: must be a list of strings, is ${quoted(given)}`);
  }
  const phrases = given.map(parsed);
  if (!phrases.some(({text}) => text !== UNKNOWN)) {
    throw new ConfigError('phrases: there is none; give at least one');
  }
  if (phrases.length > MAX_PHRASES) {
    throw new ConfigError(`phrases: ${phrases.length} are more than the limit of ${MAX_PHRASES}`);
  }
  const seen = new Set();
  for (const {text} of phrases) {
    if (seen.has(text)) throw new ConfigError(`phrases: ${quoted(text)} is given twice`);
    seen.add(text);
  }
  return phrases;
}

/**
 * @param {string} item
 * @returns {Phrase}
 */
function parsed(item) {
  const colon = item.lastIndexOf(':');
  const written = colon < 0 ? item : item.slice(0, colon);
  const after = colon < 0 ? '1' : item.slice(colon + 1).trim();
  const weight = Number(after);
  if (!after || Number.isNaN(weight)) {
    throw new ConfigError(
      `phrases: ${quoted(item)}: the text after the colon must be a weight, as in ` +
        "'turn on the light:2'",
    );
  }
  if ([...written].length > MAX_LENGTH) {
    throw new ConfigError(`phrases: ${quoted(item)}: must have at most ${MAX_LENGTH} characters`);
  }
  if (!(weight >= LEAST_WEIGHT && weight <= MAX_WEIGHT)) {
    throw new ConfigError(
      `phrases: the weight of ${quoted(written)} must be a number from 1e-06 to 1e+06, is ${after}`,
    );
  }
  if (written.trim().toLowerCase() === UNKNOWN) return {text: UNKNOWN, weight};
  if (/[[\]{}"]/.test(written)) {
    throw new ConfigError(
      `phrases: ${quoted(written)}: one phrase a line, of words alone, or ${UNKNOWN}`,
    );
  }
  const text = normalized(written);
  if (!text) throw new ConfigError(`phrases: ${quoted(written)} has no word`);
  return {text, weight};
}

/**
 * The number of words of each of the phrases that words consist of, one after the other; what comes
 * after the last complete phrase is one more. Of several divisions, later phrases are as long as can
 * be.
 * @param {string[]} words
 * @param {Set<string>} phrases
 */
export function phraseLengths(words, phrases) {
  const lengths = [...new Set([...phrases].map((phrase) => phrase.split(' ').length))];
  lengths.sort((a, b) => b - a);
  const last = [0]; // words of the phrase that ends at each place; 0: none does
  for (let end = 1; end <= words.length; end++) {
    const ends = (/** @type {number} */ length) =>
      (length === end || last[end - length] > 0) &&
      phrases.has(words.slice(end - length, end).join(' '));
    last.push(lengths.find((length) => length <= end && ends(length)) ?? 0);
  }
  let end = last.findLastIndex((length, place) => length > 0 || place === 0);
  const found = end < words.length ? [words.length - end] : [];
  for (; end > 0; end -= last[end]) found.unshift(last[end]);
  return found;
}
