// The microphone: blocks of samples while it runs, one WAV file at the end.

import { Problem } from "./client.js";

const REASONS = {
  NotAllowedError: "The microphone is blocked. Allow it for this page in the browser, then record again.",
  NotFoundError: "There is no microphone. Connect one, then record again.",
  NotReadableError: "The microphone is in use by another program, or does not answer.",
};

// What browsers do for telephone calls changes the sounds of words.
const AS_IT_IS = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export class Microphone {
  /** onBlock(Int16Array) is called with each block, onLost() when the device vanishes. */
  static async open(onBlock, onLost) {
    if (!navigator.mediaDevices) {
      throw new Problem("Browsers allow recording on https:// and localhost alone.");
    }
    let media;
    try {
      media = await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
    } catch (error) {
      throw new Problem(REASONS[error.name] ?? `The microphone does not work: ${error.message}`);
    }
    const context = new AudioContext();
    await context.audioWorklet.addModule("/page/recorder.js");
    return new Microphone(media, context, onBlock, onLost);
  }

  constructor(media, context, onBlock, onLost) {
    this.media = media;
    this.context = context;
    this.blocks = [];
    const node = new AudioWorkletNode(context, "recorder");
    context.createMediaStreamSource(media).connect(node);
    node.port.onmessage = ({ data }) => {
      const samples = Int16Array.from(data, (x) => Math.round(32767 * Math.min(1, Math.max(-1, x))));
      this.blocks.push(samples);
      onBlock(samples);
    };
    media.getTracks()[0].addEventListener("ended", onLost);
  }

  get sampleRate() {
    return this.context.sampleRate;
  }

  close() {
    for (const track of this.media.getTracks()) track.stop();
    if (this.context.state !== "closed") this.context.close();
  }

  /** What has been recorded, as a WAV file. */
  recording() {
    const numBytes = this.blocks.reduce((sum, block) => sum + block.byteLength, 0);
    const header = new DataView(new ArrayBuffer(44));
    const text = (place, word) => [...word].forEach((c, i) => header.setUint8(place + i, c.charCodeAt(0)));
    text(0, "RIFF");
    header.setUint32(4, 36 + numBytes, true);
    text(8, "WAVEfmt ");
    header.setUint32(16, 16, true);
    header.setUint16(20, 1, true);
    header.setUint16(22, 1, true);
    header.setUint32(24, this.sampleRate, true);
    header.setUint32(28, 2 * this.sampleRate, true);
    header.setUint16(32, 2, true);
    header.setUint16(34, 16, true);
    text(36, "data");
    header.setUint32(40, numBytes, true);
    return new Blob([header, ...this.blocks], { type: "audio/wav" });
  }
}
