/**
 * speechlstm in the browser and in Node: from a waveform to words, by the portable .tflite file of
 * a bundle and LiteRT.js.
 *
 *     import * as litert from '@litertjs/core';
 *     import {Recognizer, decodeAudio} from 'speechlstm';
 *
 *     await litert.loadLiteRt('node_modules/@litertjs/core/wasm/');
 *     const recognizer = await Recognizer.load('english/', {litert});
 *     const samples = await decodeAudio(file, recognizer.sampleRate);
 *     const {text, words} = await recognizer.transcribe(samples);
 */

export {SpeechDetector} from './src/activity.js';
export {Alphabet} from './src/alphabet.js';
export {decodeAudio} from './src/audio.js';
export {BeamDecoder} from './src/beam.js';
export {readBundle} from './src/bundle.js';
export {
  AudioError, BundleError, ConfigError, LanguageModelError, LexiconError, SpeechLSTMError,
} from './src/errors.js'; // prettier-ignore
export {GreedyDecoder} from './src/greedy.js';
export {LexiconTree} from './src/lexicon_tree.js';
export {LogProbs} from './src/log_probs.js';
export {readMetadata, setLength} from './src/model_file.js';
export {openMicrophone} from './src/microphone.js';
export {NGramModel} from './src/ngram.js';
export {Recognizer, decoderOf} from './src/recognizer.js';
export {Resampler} from './src/resampler.js';
export {splitAtPauses} from './src/segments.js';
export {Stream} from './src/stream.js';
