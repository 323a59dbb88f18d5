/** The recogniser: from a waveform to a transcript. */

import {AcousticModel} from './acoustic.js';
import {SpeechDetector} from './activity.js';
import {checkSamples} from './audio.js';
import {BeamDecoder} from './beam.js';
import {changedConfig, readBundle, readModelFile} from './bundle.js';
import {
  BundleError, ConfigError, LanguageModelError, LexiconError, naming, quoted,
} from './errors.js'; // prettier-ignore
import {grammarConfig, grammarOf} from './grammar.js';
import {GreedyDecoder} from './greedy.js';
import {parseHotWords} from './hot_words.js';
import {LexiconTree} from './lexicon_tree.js';
import {NGramModel} from './ngram.js';
import {parsePhrases} from './phrases.js';
import {plausible} from './plausibility.js';
import {splitAtPauses} from './segments.js';
import {Stream} from './stream.js';

// Of a bundle without a decoder: the defaults of speechlstm/config/decoding.py.
const UNTUNED = {
  beamWidth: 100, numHypotheses: 1, lmWeight: 0.8, wordBonus: 0.5, priorWeight: 0.5,
  unknownCharacterLogProb: -4, openVocabulary: true, minLabelLogProb: -5, maxScoreGap: 12,
  blankSkip: 0.98, sentencePause: 0, hotWordWeight: 1.25, hotWords: [],
}; // prettier-ignore

const OPTIONS = ['litert', 'model', 'greedy', 'fast', 'hotWords', 'phrases', 'settings'];

/**
 * A transcript: its text and its words with times in seconds.
 * @typedef {{text: string, words: import('./words.js').Word[], duration: number}} Transcript
 */

/**
 * Settings of the decoder of a bundle. `fast`: whether to use the settings that were tuned for a
 * search without the LSTM language model, as Python's fast=True; false: those of neural_lm=None; by
 * default true if the bundle has such settings. `greedy`: whether to decode by the best path even if
 * there is a language model. `hotWords`: words and phrases to prefer, such as 'brexit' or
 * 'new york:2.5' (with a weight), instead of those of the bundle. `phrases`: the only ones that can be
 * recognised, in any number and order, instead of any text: 'turn on the light' or 'stop:2' (with a
 * weight); '[unk]' stands for anything else. `settings` replace those of the bundle.
 * @typedef {{greedy?: boolean, fast?: boolean, hotWords?: string[], phrases?: string[],
 *   settings?: Partial<import('./fusion.js').DecodeConfig>}} DecoderOptions
 */

/**
 * How a recogniser is loaded. `litert`: the module @litertjs/core, after its loadLiteRt has loaded
 * the wasm files. `model`: the name of the portable model in the bundle, if it is another.
 * @typedef {DecoderOptions & {litert: any, model?: string}} LoadOptions
 */

/** Turns speech into text, by an acoustic model and a decoder. */
export class Recognizer {
  /**
   * @param {AcousticModel} model
   * @param {GreedyDecoder | BeamDecoder} decoder
   * @param {import('./bundle.js').Bundle} bundle
   */
  constructor(model, decoder, bundle) {
    this.model = model;
    this.decoder = decoder;
    this.bundle = bundle;
    this.sampleRate = model.spec.sampleRate;
  }

  /**
   * Loads a recogniser from a bundle: the beam search if the bundle has a language model or a
   * lexicon, else greedy decoding.
   * @param {string | URL | import('./bundle.js').ReadFile} source The address of the bundle's
   *   folder or of a .tflite file alone, or a function that reads the bundle's files.
   * @param {LoadOptions} options
   * @throws {BundleError | LanguageModelError | LexiconError | ConfigError} Something is missing or
   *   damaged, or an option is not possible.
   */
  static async load(source, options) {
    const {litert, model: name} = options ?? {};
    const bundle = await bundleFrom(source, name);
    const decoder = await decoderOf(bundle, options);
    const model = await naming(
      bundle.modelName,
      () => new AcousticModel(bundle.model, bundle.acoustic, litert),
    );
    if (!litert) throw new ConfigError('litert: missing; give the module @litertjs/core');
    return new Recognizer(model, decoder, bundle);
  }

  /** Whether the decoder reads the model's output for phones. */
  get readsPhones() {
    return this.decoder.alphabet === this.bundle.acoustic.phones;
  }

  /**
   * Decodes with other options from now on, such as other hot words; not while a stream is open.
   * @param {DecoderOptions} options
   * @throws {LanguageModelError | LexiconError | ConfigError} An option is not possible.
   */
  async change(options) {
    this.decoder = await decoderOf(this.bundle, options);
  }

  /**
   * Transcribes a waveform. Long ones are cut at pauses, all where their level changes by much.
   * @param {Float32Array} samples At this.sampleRate, in [-1, 1].
   * @param {{maxSeconds?: number}} [options] The longest recording that is accepted.
   * @returns {Promise<Transcript>}
   * @throws {import('./errors.js').AudioError} The recording is too short or too long.
   */
  async transcribe(samples, {maxSeconds} = {}) {
    checkSamples(samples, this.sampleRate, maxSeconds);
    const words = [];
    for (const segment of splitAtPauses(samples, this.sampleRate, this.model.maxSeconds)) {
      const logProbs = await this.logProbs(segment.samples);
      for (const word of this.decodeWords(logProbs, segment.samples)) {
        words.push({...word, start: segment.start + word.start, end: segment.start + word.end});
      }
    }
    const text = words.map((word) => word.text).join(' ');
    return {text, words, duration: samples.length / this.sampleRate};
  }

  /**
   * The log-probabilities that the decoder reads.
   * @param {Float32Array} samples
   */
  logProbs(samples) {
    return this.model.logProbs(samples, this.readsPhones);
  }

  /**
   * The words in the log-probabilities of a segment, without those that cannot be speech.
   * @param {import('./log_probs.js').LogProbs} logProbs
   * @param {Float32Array} samples From which they were computed.
   */
  decodeWords(logProbs, samples) {
    const duration = samples.length / this.sampleRate;
    const {words} = this.decoder.decode(logProbs, duration);
    if (!words.length) return words;
    const detector = new SpeechDetector(samples, this.sampleRate);
    const isSpeechPossible = detector.isSpeechPossible.bind(detector);
    return plausible(words, isSpeechPossible, this.decoder.grammar);
  }

  /** A stream of speech that is being spoken. */
  openStream() {
    return new Stream(this);
  }

  /** Frees the memory of the compiled model. */
  delete() {
    this.model.delete();
  }
}

/**
 * @param {string | URL | import('./bundle.js').ReadFile} source
 * @param {string} [model]
 */
async function bundleFrom(source, model) {
  if (typeof source === 'function') return readBundle(source, model);
  const address = String(source);
  if (!address.endsWith('.tflite')) return readBundle(readFrom(address), model);
  const file = await fetched(address);
  if (!file) throw new BundleError(`${address}: there is no such file`);
  return readModelFile(file, address);
}

/**
 * Reads the files of a bundle by fetch.
 * @param {string} folder
 * @returns {import('./bundle.js').ReadFile}
 */
function readFrom(folder) {
  const base = folder.endsWith('/') ? folder : `${folder}/`;
  return (name) => fetched(base + name);
}

/** @param {string} address */
async function fetched(address) {
  let response;
  try {
    response = await fetch(address);
  } catch {
    throw new BundleError(`${address}: cannot be loaded; is there a connection?`);
  }
  if (response.status === 404) return null;
  if (!response.ok) throw new BundleError(`${address}: cannot be loaded: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * The decoder of a bundle.
 * @param {import('./bundle.js').Bundle} bundle
 * @param {DecoderOptions} [options]
 */
export async function decoderOf(bundle, options = {}) {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown) throw new ConfigError(`${quoted(unknown)}: unknown option; known are ${OPTIONS.join(', ')}`);
  const {greedy = false, fast, hotWords, phrases, settings = {}} = options;
  const {acoustic, prior} = bundle;
  if (phrases != null) return phraseDecoderOf(bundle, options);
  const readsPhones = Boolean(bundle.lexicon && acoustic.phones);
  if (greedy || !(bundle.lm || bundle.lexicon)) {
    if (hotWords?.length) {
      throw new ConfigError('hotWords: are not found by greedy decoding (a bundle without language model and lexicon has no other)');
    }
    return new GreedyDecoder(acoustic.alphabet, acoustic.frameSeconds);
  }
  const tuned = (fast ?? bundle.fast) ? (bundle.fast ?? narrowed(bundle.settings)) : bundle.settings;
  if (!tuned) throw new BundleError('bundle.json: decoding: missing, but there is a language model');
  const alphabet = readsPhones && acoustic.phones ? acoustic.phones : acoustic.alphabet;
  const lm = bundle.lm && new NGramModel(bundle.lm);
  const lexicon = bundle.lexicon && LexiconTree.read(bundle.lexicon);
  await checkAlphabets(acoustic, alphabet, lm, lexicon);
  // A calibration holds for the decoder that it was fitted to, perhaps one with the LSTM.
  const isAsTuned = !Object.keys(settings).length && (tuned === bundle.fast || !bundle.hasNeuralLm);
  const calibration = isAsTuned ? tuned.calibration : null;
  const changed = changedConfig(tuned.config, settings);
  const config = hotWords != null ? {...changed, hotWords: parseHotWords(hotWords)} : changed;
  const models = {lm, lexicon, prior, calibration};
  return new BeamDecoder(alphabet, acoustic.frameSeconds, config, models);
}

/**
 * The decoder of a bundle that knows only some phrases.
 * @param {import('./bundle.js').Bundle} bundle
 * @param {DecoderOptions} options
 */
async function phraseDecoderOf(bundle, {greedy, fast, hotWords, phrases, settings = {}}) {
  if (greedy || hotWords?.length) {
    const other = greedy ? 'greedy' : 'hotWords';
    throw new ConfigError(`phrases exclude ${other}; leave out one or the other`);
  }
  const {acoustic} = bundle;
  const parsed = parsePhrases(phrases);
  const alphabet = (bundle.lexicon && acoustic.phones) || acoustic.alphabet;
  const known = bundle.lexicon && LexiconTree.read(bundle.lexicon);
  await checkAlphabets(acoustic, alphabet, null, known);
  const {grammar, lexicon} = grammarOf(parsed, alphabet, known);
  const tuned = (fast ?? bundle.fast) ? (bundle.fast ?? bundle.settings) : bundle.settings;
  const given = {...changedConfig(tuned?.config ?? UNTUNED, settings), hotWords: []};
  // A prior holds for the output that it was estimated for.
  const isAsTuned = alphabet === acoustic.phones || !bundle.lexicon;
  const models = {lexicon, prior: isAsTuned ? bundle.prior : null, grammar};
  return new BeamDecoder(alphabet, acoustic.frameSeconds, grammarConfig(given, grammar), models);
}

/**
 * The same settings with the beam of a fast search.
 * @param {import('./bundle.js').SearchSettings | null} settings
 */
function narrowed(settings) {
  if (!settings) return null;
  const {beamWidth, maxScoreGap} = settings.config;
  const config = {beamWidth: Math.min(beamWidth, 64), maxScoreGap: Math.min(maxScoreGap, 10)};
  return {config: {...settings.config, ...config}, calibration: null};
}

/**
 * @param {import('./bundle.js').AcousticSpec} acoustic
 * @param {import('./alphabet.js').Alphabet} alphabet That the decoder reads.
 * @param {NGramModel | null} lm
 * @param {LexiconTree | null} lexicon
 */
async function checkAlphabets(acoustic, alphabet, lm, lexicon) {
  const isOther = (/** @type {string | null} */ found, /** @type {string | null} */ right) =>
    found !== null && right !== null && found !== right;
  if (lm && isOther(lm.alphabetSha256, await acoustic.alphabet.sha256())) {
    throw new LanguageModelError('lm.ngram: is for another alphabet than the model');
  }
  if (lexicon && isOther(lexicon.alphabetSha256, await alphabet.sha256())) {
    throw new LexiconError('lexicon.tree: is for another alphabet than the model');
  }
}
