/** The acoustic model: from a waveform to log-probabilities, by LiteRT.js. */

import {levelled} from './audio.js';
import {BundleError} from './errors.js';
import {LogProbs} from './log_probs.js';
import {checkPortable, fixedLength, message, setLength} from './model_file.js';

const MAX_SECONDS = 20; // its memory grows with the length

/**
 * Runs the network. LiteRT.js takes graphs of fixed shapes, so each length is compiled anew; a file
 * that was exported with --seconds has one length, to which recordings are padded.
 */
export class AcousticModel {
  /**
   * @param {Uint8Array} file The portable .tflite file, which is changed in place.
   * @param {import('./bundle.js').AcousticSpec} spec
   * @param {any} litert The module @litertjs/core, after its loadLiteRt.
   * @throws {BundleError} The file is not the portable one, or damaged.
   */
  constructor(file, spec, litert) {
    checkPortable(file);
    this.file = file;
    this.fixedLength = fixedLength(file);
    this.spec = spec;
    this.litert = litert;
    /** @type {{numSamples: number, model: any} | null} */
    this.compiled = null;
    this.done = Promise.resolve(); // what was asked for before, since file and memory are shared
  }

  /** The longest recording that the network takes, in seconds. */
  get maxSeconds() {
    return this.fixedLength === null ? MAX_SECONDS : this.fixedLength / this.spec.sampleRate;
  }

  /**
   * The number of frames of a recording.
   * @param {number} numSamples
   */
  numFrames(numSamples) {
    const {hopSamples, frameStack} = this.spec;
    return Math.ceil((1 + Math.floor(numSamples / hopSamples)) / frameStack);
  }

  /**
   * Natural log-probabilities of all outputs of the network: those of the characters, followed by
   * those of the phones if the model has them.
   * @param {Float32Array} samples At the model's sample rate, in [-1, 1].
   */
  async outputs(samples) {
    const numFrames = this.numFrames(samples.length);
    const {alphabet, phones} = this.spec;
    const data = await this.run(samples, numFrames);
    const width = alphabet.numLabels + (phones ? phones.numLabels : 0);
    const numRows = this.numFrames(this.fixedLength ?? samples.length);
    if (data.length !== numRows * width) {
      throw new BundleError(`the model computes ${data.length} numbers, not ${numRows * width}`);
    }
    return new LogProbs(data.slice(0, numFrames * width), numFrames, width);
  }

  /**
   * Natural log-probabilities of the characters, or of the phones. Where features are normalised by
   * their mean, the waveform is levelled before.
   * @param {Float32Array} samples
   * @param {boolean} [ofPhones]
   */
  async logProbs(samples, ofPhones = false) {
    const outputs = await this.outputs(this.spec.isLevelled ? levelled(samples) : samples);
    const {alphabet, phones} = this.spec;
    if (ofPhones && phones) return outputs.columns(alphabet.numLabels, phones.numLabels);
    return outputs.columns(0, alphabet.numLabels);
  }

  /** Frees the memory of the compiled model. */
  delete() {
    this.compiled?.model.delete();
    this.compiled = null;
  }

  /**
   * @param {Float32Array} samples
   * @param {number} numFrames
   * @returns {Promise<Float32Array>} Also of padding.
   */
  run(samples, numFrames) {
    const data = this.done.then(() => this.runNext(samples, numFrames));
    this.done = data.then(() => {}, () => {});
    return data;
  }

  /**
   * @param {Float32Array} samples
   * @param {number} numFrames
   */
  async runNext(samples, numFrames) {
    try {
      const {model} = await this.compile(samples.length, numFrames);
      const inputs = this.inputs(samples);
      const outputs = await model.run(inputs);
      const [output] = Object.values(outputs);
      const data = Float32Array.from(await output.data());
      for (const tensor of [...Object.values(inputs), output]) tensor.delete();
      return data;
    } catch (error) {
      this.delete();
      throw new BundleError(`LiteRT.js cannot run the model: ${message(error)}`);
    }
  }

  /**
   * The tensors of the input: samples and, for a fixed length, the number of samples.
   * @param {Float32Array} samples
   * @returns {Record<string, any>}
   */
  inputs(samples) {
    const {Tensor} = this.litert;
    if (this.fixedLength === null) return {samples: new Tensor(samples, [1, samples.length])};
    if (samples.length > this.fixedLength) {
      throw new RangeError(`it takes ${this.fixedLength} samples, not ${samples.length}`);
    }
    const padded = new Float32Array(this.fixedLength);
    padded.set(samples);
    return {
      samples: new Tensor(padded, [1, padded.length]),
      num_samples: new Tensor(Int32Array.of(samples.length), [1]),
    };
  }

  /**
   * @param {number} numSamples
   * @param {number} numFrames
   */
  async compile(numSamples, numFrames) {
    if (this.compiled && (this.fixedLength || this.compiled.numSamples === numSamples)) {
      return this.compiled;
    }
    this.delete();
    if (this.fixedLength === null) setLength(this.file, numSamples, numFrames);
    const model = await this.litert.loadAndCompile(this.file, {accelerator: 'wasm'});
    this.compiled = {numSamples, model};
    return this.compiled;
  }
}
