/** The acoustic model: from a waveform to log-probabilities, by LiteRT.js. */

import {BundleError} from './errors.js';
import {LogProbs} from './log_probs.js';
import {checkPortable, message, setLength} from './model_file.js';

/** Runs the network. LiteRT.js takes graphs of fixed shapes, so each length is compiled anew. */
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
    this.spec = spec;
    this.litert = litert;
    /** @type {{numSamples: number, model: any} | null} */
    this.compiled = null;
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
    if (data.length !== numFrames * width) {
      throw new BundleError(`the model computes ${data.length} numbers, not ${numFrames * width}`);
    }
    return new LogProbs(data, numFrames, width);
  }

  /**
   * Natural log-probabilities of the characters, or of the phones.
   * @param {Float32Array} samples
   * @param {boolean} [ofPhones]
   */
  async logProbs(samples, ofPhones = false) {
    const outputs = await this.outputs(samples);
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
   * @returns {Promise<Float32Array>}
   */
  async run(samples, numFrames) {
    try {
      const model = await this.compile(samples.length, numFrames);
      const input = new this.litert.Tensor(samples, [1, samples.length]);
      const [output] = await model.run([input]);
      const data = Float32Array.from(await output.data());
      input.delete();
      output.delete();
      return data;
    } catch (error) {
      this.delete();
      throw new BundleError(`LiteRT.js cannot run the model: ${message(error)}`);
    }
  }

  /**
   * @param {number} numSamples
   * @param {number} numFrames
   */
  async compile(numSamples, numFrames) {
    if (this.compiled?.numSamples !== numSamples) {
      this.delete();
      setLength(this.file, numSamples, numFrames);
      const model = await this.litert.loadAndCompile(this.file, {accelerator: 'wasm'});
      this.compiled = {numSamples, model};
    }
    return this.compiled?.model;
  }
}
