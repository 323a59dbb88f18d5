/**
 * The errors of this module, named as in Python. Each message is one line that says what is wrong
 * and what to do.
 */

/** Any error that this module throws on purpose. */
export class SpeechLSTMError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(oneLine(message));
    this.name = new.target.name;
  }
}

/**
 * Does something with a file, and names it in what goes wrong.
 * @template T
 * @param {string} name
 * @param {() => T | Promise<T>} action
 * @returns {Promise<T>}
 */
export async function naming(name, action) {
  try {
    return await action();
  } catch (error) {
    if (error instanceof SpeechLSTMError) {
      const {constructor: Kind} = /** @type {any} */ (error);
      throw new Kind(`${name}: ${error.message}`);
    }
    throw error;
  }
}

/** A bundle or .tflite file is missing, damaged, incomplete or of another version. */
export class BundleError extends SpeechLSTMError {}

/** A language model is damaged or of another version, or was built for another alphabet. */
export class LanguageModelError extends SpeechLSTMError {}

/** A lexicon is damaged or of another version, or was built for another alphabet. */
export class LexiconError extends SpeechLSTMError {}

/** An option has a value that is not possible. */
export class ConfigError extends SpeechLSTMError {}

/** A recording cannot be decoded, or is too short or too long; or there is no microphone. */
export class AudioError extends SpeechLSTMError {}

const LONGEST_QUOTE = 120; // characters
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/**
 * A value for an error message: JSON in one line, with the end left out if it is long.
 * @param {unknown} value
 */
export function quoted(value) {
  const text = oneLine(JSON.stringify(value) ?? String(value));
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE - 3)}...`;
}

/**
 * Text without line ends and other characters that would command a terminal, which what others say
 * of a file may have.
 * @param {string} text
 */
function oneLine(text) {
  return text.replace(CONTROL, '?');
}
