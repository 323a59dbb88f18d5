/** Runs in the audio thread of a browser: sends what the microphone hears, a tenth of a second each. */

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(Math.round(sampleRate / 10));
    this.length = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process([[samples]]) {
    if (!samples) return true;
    for (const sample of samples) {
      this.block[this.length++] = sample;
      if (this.length < this.block.length) continue;
      this.port.postMessage(this.block.slice());
      this.length = 0;
    }
    return true;
  }
}

registerProcessor('microphone', Microphone);
