/** Reads a bundle: bundle.json, the model, language model and lexicon. All of it is untrusted. */

import {Alphabet} from './alphabet.js';
import {decodeText, sha256} from './bytes.js';
import {BundleError, ConfigError, naming, quoted} from './errors.js';
import {parseHotWords} from './hot_words.js';
import {message, readMetadata} from './model_file.js';

export const INDEX = 'bundle.json';
export const PORTABLE = 'model.portable.tflite';
const STREAMING = 'model.streaming.tflite';
const FORMAT_VERSION = 1;
const PORTABLE_FORMAT_VERSION = 2; // of a bundle.json that lists the portable model
const STREAMING_FORMAT_VERSION = 3; // of one that lists the model for streams, too
const MODEL_KEYS = ['format_version', 'writer', 'features', 'alphabet', 'model', 'training'];
const DECODER_KEYS = ['decoding', 'calibration', 'prior', 'rescoring', 'fast'];
const INDEX_KEYS = [...MODEL_KEYS, 'phones', ...DECODER_KEYS, 'files'];

/** The settings of a search: name in Python, kind, lowest and highest value. */
const SETTINGS = /** @type {[string, string, number, number][]} */ ([
  ['beam_width', 'integer', 1, Infinity],
  ['num_hypotheses', 'integer', 1, Infinity],
  ['lm_weight', 'number', 0, Infinity],
  ['word_bonus', 'number', -Infinity, Infinity],
  ['prior_weight', 'number', 0, Infinity],
  ['unknown_character_log_prob', 'number', -Infinity, 0],
  ['open_vocabulary', 'boolean', 0, 0],
  ['min_label_log_prob', 'number', -Infinity, 0],
  ['max_score_gap', 'number', 0, Infinity],
  ['blank_skip', 'number', 0.5, 1],
  ['sentence_pause', 'number', 0, Infinity],
  ['hot_word_weight', 'number', 0, Infinity],
]);
/** Of settings that older bundles lack. @type {{[name: string]: number}} */
const DEFAULTS = {sentence_pause: 0};

/**
 * Returns the content of a file of the bundle by its name; null if there is none.
 * @typedef {(name: string) => Promise<Uint8Array | null>} ReadFile
 */

/**
 * What the network reads and what its output means.
 * @typedef {{sampleRate: number, hopSamples: number, isLevelled: boolean, frameStack: number,
 *   frameSeconds: number, alphabet: Alphabet, phones: Alphabet | null}} AcousticSpec
 */

/**
 * A bundle in memory. `fast` are the settings that were tuned for a search without the LSTM.
 * @typedef {{acoustic: AcousticSpec, model: Uint8Array, modelName: string, lm: Uint8Array | null,
 *   lexicon: Uint8Array | null, hasNeuralLm: boolean, prior: number[] | null,
 *   settings: SearchSettings | null, fast: SearchSettings | null}} Bundle
 */

/**
 * @typedef {{config: import('./fusion.js').DecodeConfig,
 *   calibration: import('./beam.js').Calibration | null}} SearchSettings
 */

/**
 * Reads a bundle and checks all of it.
 * @param {ReadFile} read
 * @param {string} modelName The portable model.
 * @returns {Promise<Bundle>}
 * @throws {BundleError} The bundle is missing, damaged, incomplete or of another version.
 */
export async function readBundle(read, modelName = PORTABLE) {
  const json = await read(INDEX);
  if (!json) throw new BundleError(`${INDEX}: there is none; not a bundle`);
  const {index, description, acoustic} = await naming(INDEX, () => parseIndex(json));
  const model = await readModel(read, modelName, index.files);
  if (!isSame(await naming(modelName, () => readMetadata(model)), description)) {
    throw new BundleError(`${modelName}: belongs to another bundle than ${INDEX}; export it again`);
  }
  const [lm, lexicon] = await Promise.all(
    ['lm.ngram', 'lexicon.tree'].map((name) => readListed(read, name, index.files)),
  );
  const numLabels = (lexicon && acoustic.phones ? acoustic.phones : acoustic.alphabet).numLabels;
  const decoder = await naming(INDEX, () => parseDecoder(index, numLabels));
  return {acoustic, model, modelName, lm, lexicon, ...decoder};
}

/**
 * A bundle that is a .tflite file alone, which is decoded greedily.
 * @param {Uint8Array} model
 * @param {string} modelName
 * @returns {Promise<Bundle>}
 */
export async function readModelFile(model, modelName) {
  const acoustic = await naming(modelName, async () => parseAcoustic(await readMetadata(model)));
  const decoder = {lm: null, lexicon: null, prior: null, settings: null, fast: null};
  return {acoustic, model, modelName, hasNeuralLm: false, ...decoder};
}

/**
 * What bundle.json says, apart from the decoder.
 * @param {Uint8Array} json
 */
function parseIndex(json) {
  const index = parseObject(json);
  refuseUnknown('', index, INDEX_KEYS);
  if (!isObject(index.files)) throw new BundleError('files: must have the SHA-256 of each file');
  checkVersion(index, formatVersion(index.files));
  const description = Object.fromEntries(
    Object.entries(index).filter(([key]) => key === 'phones' || MODEL_KEYS.includes(key)),
  );
  description.format_version = FORMAT_VERSION; // that of the models
  return {index, description, acoustic: parseAcoustic(description)};
}

/**
 * What bundle.json says of the decoder.
 * @param {any} index
 * @param {number} numLabels That the decoder reads.
 */
function parseDecoder(index, numLabels) {
  return {
    hasNeuralLm: Object.hasOwn(index.files, 'rescorer.tflite'),
    prior: index.prior ? parsePrior(index.prior, numLabels) : null,
    settings: index.decoding ? parseSettings('decoding', index) : null,
    fast: index.fast ? parseSettings('fast.decoding', index.fast) : null,
  };
}

/**
 * The format version of a bundle.json that lists these files.
 * @param {object} files
 */
function formatVersion(files) {
  if (Object.hasOwn(files, STREAMING)) return STREAMING_FORMAT_VERSION;
  return Object.hasOwn(files, PORTABLE) ? PORTABLE_FORMAT_VERSION : FORMAT_VERSION;
}

/**
 * @param {ReadFile} read
 * @param {string} name
 * @param {any} checksums
 */
async function readModel(read, name, checksums) {
  const model = checksums[name] ? await readListed(read, name, checksums) : await read(name);
  if (!model) {
    throw new BundleError(
      `${name}: there is none; speechlstm export --target everywhere writes it`,
    );
  }
  return model;
}

/**
 * A file that is listed under "files", verified; null if it is not listed.
 * @param {ReadFile} read
 * @param {string} name
 * @param {any} checksums
 */
async function readListed(read, name, checksums) {
  if (!Object.hasOwn(checksums, name)) return null;
  const bytes = await read(name);
  if (!bytes) throw new BundleError(`${name}: is missing, but ${INDEX} names it`);
  const digest = await sha256(bytes);
  if (digest !== null && digest !== checksums[name]) {
    throw new BundleError(`${name}: damaged: its SHA-256 is not the one in ${INDEX}`);
  }
  return bytes;
}

/** @param {Uint8Array} json */
function parseObject(json) {
  let values;
  try {
    values = JSON.parse(decodeText(json));
  } catch (error) {
    throw new BundleError(`not readable as JSON: ${quoted(message(error))}`);
  }
  if (!isObject(values)) throw new BundleError('must be an object');
  return values;
}

/**
 * @param {any} description
 * @returns {AcousticSpec}
 */
function parseAcoustic(description) {
  checkVersion(description, FORMAT_VERSION);
  const missing = MODEL_KEYS.find((key) => !(key in description));
  if (missing) throw new BundleError(`${missing}: missing`);
  const sampleRate = inRange(description.features?.sample_rate, 'features.sample_rate', 1000, 1e6);
  const hopMs = inRange(description.features?.hop_ms, 'features.hop_ms', 1, 1e4);
  const frameStack = inRange(description.model?.frame_stack, 'model.frame_stack', 1, 1000);
  return {
    sampleRate,
    hopSamples: Math.round((sampleRate * hopMs) / 1000),
    isLevelled: ['mean', 'mean_variance'].includes(description.features?.normalize),
    frameStack,
    frameSeconds: (hopMs * frameStack) / 1000,
    alphabet: Alphabet.parse('alphabet', description.alphabet),
    phones: description.phones ? Alphabet.parse('phones', description.phones) : null,
  };
}

/**
 * Refuses a key that this module does not know, since it might change what is decoded.
 * @param {string} section
 * @param {any} values
 * @param {string[]} known
 */
function refuseUnknown(section, values, known) {
  const unknown = Object.keys(values).find((key) => !known.includes(key));
  if (unknown) throw new BundleError(`${quoted(section + unknown)}: unknown`);
}

/**
 * Refuses a description of another format version.
 * @param {any} description
 * @param {number} right
 */
function checkVersion(description, right) {
  if (!isObject(description) || !('format_version' in description)) {
    throw new BundleError('format_version: missing; not a bundle');
  }
  const {format_version: version} = description;
  if (version === right) return;
  throw new BundleError(`has format version ${quoted(version)}; this speechlstm.js reads ${right}`);
}

/**
 * @param {string} section
 * @param {any} values Has the section "decoding", and may have "calibration".
 * @returns {SearchSettings}
 */
function parseSettings(section, values) {
  const {decoding, calibration} = values;
  if (!isObject(decoding)) throw new BundleError(`${section}: must be an object`);
  const names = SETTINGS.map(([name]) => name);
  refuseUnknown(`${section}.`, decoding, [...names, 'hot_words']);
  /** @type {any} */
  const config = {};
  try {
    config.hotWords = parseHotWords(decoding.hot_words ?? [], `${section}.hot_words`);
  } catch (error) {
    throw new BundleError(message(error));
  }
  for (const [name, kind, lowest, highest] of SETTINGS) {
    const value = decoding[name] ?? DEFAULTS[name];
    config[camelCase(name)] = checkedSetting(`${section}.${name}`, value, kind, [
      lowest, highest,
    ]); // prettier-ignore
  }
  return {config, calibration: calibration ? parseCalibration(calibration) : null};
}

/**
 * The settings of a search with some of them replaced.
 * @param {import('./fusion.js').DecodeConfig} config
 * @param {Partial<import('./fusion.js').DecodeConfig>} changes
 * @throws {ConfigError} A setting is unknown or out of range.
 */
export function changedConfig(config, changes) {
  for (const [key, value] of Object.entries(changes)) {
    const setting = SETTINGS.find(([name]) => camelCase(name) === key);
    if (!setting) throw new ConfigError(`settings.${key}: unknown`);
    checkedSetting(`settings.${key}`, value, setting[1], [setting[2], setting[3]], ConfigError);
  }
  return {...config, ...changes};
}

/**
 * @param {string} name
 * @param {any} value
 * @param {string} kind
 * @param {[number, number]} range
 * @param {typeof BundleError | typeof ConfigError} [Fault]
 */
function checkedSetting(name, value, kind, [lowest, highest], Fault = BundleError) {
  const isRight = kind === 'integer' ? Number.isSafeInteger(value) : typeof value === kind;
  const isNumber = typeof value === 'number';
  if (!isRight || (isNumber && !(Number.isFinite(value) && value >= lowest && value <= highest))) {
    throw new Fault(value === undefined ? `${name}: missing` : `${name}: cannot be ${quoted(value)}`);
  }
  return value;
}

/** @param {any} values */
function parseCalibration({slope, intercept}) {
  checkedSetting('calibration.slope', slope, 'number', [0, Infinity]);
  checkedSetting('calibration.intercept', intercept, 'number', [-Infinity, Infinity]);
  return {slope, intercept};
}

/**
 * @param {any} values
 * @param {number} numLabels
 */
function parsePrior(values, numLabels) {
  const logProbs = values.log_probs;
  if (!Array.isArray(logProbs) || logProbs.length !== numLabels || !logProbs.every(Number.isFinite)) {
    throw new BundleError(`prior: must have the log-probabilities of ${numLabels} labels`);
  }
  return logProbs;
}

/**
 * @param {any} value
 * @param {string} name
 * @param {number} lowest
 * @param {number} highest
 */
function inRange(value, name, lowest, highest) {
  return checkedSetting(name, value, 'number', [lowest, highest]);
}

/** @param {any} value */
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** @param {string} name */
const camelCase = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

/**
 * Whether two JSON values are equal.
 * @param {any} a
 * @param {any} b
 * @returns {boolean}
 */
function isSame(a, b) {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
  const keys = Object.keys(a);
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]))
  );
}
