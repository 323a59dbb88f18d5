/** Drops words that cannot be speech: see speechlstm/decoding/plausibility.py. */

import {UNKNOWN} from './phrases.js';

/** @typedef {import('./words.js').Word} Word */

const LONGEST_SECONDS = 1.0;
const LONGEST_SECONDS_A_LETTER = 0.25;
const LEAST_CONFIDENCE = 0.003;

/**
 * The words without those that cannot be speech, by their length, their confidence or their sound.
 * @param {Word[]} words
 * @param {(start: number, end: number) => boolean} isSpeechPossible From start to end, in seconds.
 * @param {{units(words: Word[]): Word[][]} | null} [grammar] What it takes for one phrase is kept or
 *   dropped as a whole.
 */
export function plausible(words, isSpeechPossible, grammar = null) {
  const units = grammar ? grammar.units(words) : words.map((word) => [word]);
  const isPossible = (/** @type {Word} */ word) =>
    isWord(word) && isSpeechPossible(word.start, word.end);
  return units.filter((unit) => unit.every(isPossible)).flat();
}

/** @param {Word} word */
function isWord({text, start, end, confidence}) {
  if (text === UNKNOWN) return true; // of any length, and found because nothing fits well
  const longest = LONGEST_SECONDS + LONGEST_SECONDS_A_LETTER * [...text].length;
  return end - start <= longest && confidence >= LEAST_CONFIDENCE;
}
