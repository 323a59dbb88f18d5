/** From labels and the frames that emit them to words with times and confidences. */

/**
 * A word of a transcript: its text, start and end in seconds, and confidence, 0..1.
 * @typedef {{text: string, start: number, end: number, confidence: number}} Word
 */

/**
 * A label and the frames start to stop - 1 that emit it.
 * @typedef {{label: number, start: number, stop: number}} Emission
 */

/**
 * A word and the range (start to stop - 1) of its labels.
 * @typedef {{text: string, start: number, stop: number}} SpelledWord
 */

/**
 * The times at which frames begin and end, in seconds: frame t lasts from times[t] to times[t + 1].
 * The last frame is shortened to the rest of the recording, but not to less than half a frame.
 * @param {number} numFrames
 * @param {number} frameSeconds
 * @param {number} duration Of the recording; later times are clipped.
 */
export function frameTimes(numFrames, frameSeconds, duration) {
  const latest = Math.max(0, duration - frameSeconds / 2);
  return Float64Array.from({length: numFrames + 1}, (_, t) =>
    Math.min(t * frameSeconds, t < numFrames ? latest : duration),
  );
}

/**
 * The words that labels spell. Spaces separate words; if the alphabet has a separator (phones),
 * each symbol is a word of its own.
 * @param {number[]} labels
 * @param {import('./alphabet.js').Alphabet} alphabet
 * @returns {SpelledWord[]}
 */
export function spelledWords(labels, alphabet) {
  const symbols = labels.map((label) => alphabet.symbols[label - 1]);
  /** @type {SpelledWord[]} */
  const words = [];
  let isWithin = false;
  symbols.forEach((symbol, i) => {
    const continues = isWithin && !alphabet.separator;
    isWithin = symbol !== ' ';
    if (!isWithin) return;
    if (!continues) words.push({text: '', start: i, stop: i});
    const word = words[words.length - 1];
    word.text += symbol;
    word.stop = i + 1;
  });
  return words;
}

/**
 * A word that lasts from the first frame that emits one of its labels to the last one. Its
 * confidence is the geometric mean posterior of the frames that emit its labels.
 * @param {string} text
 * @param {Emission[]} emissions Of its labels, at least one.
 * @param {import('./log_probs.js').LogProbs} logProbs
 * @param {Float64Array} times See frameTimes.
 * @returns {Word}
 */
export function timedWord(text, emissions, logProbs, times) {
  let sum = 0;
  let count = 0;
  for (const {label, start, stop} of emissions) {
    for (let t = start; t < stop; t++) sum += logProbs.frame(t)[label];
    count += stop - start;
  }
  return {
    text,
    start: times[emissions[0].start],
    end: times[emissions[emissions.length - 1].stop],
    confidence: Math.min(1, Math.exp(sum / count)),
  };
}
