/** The microphone of a browser. */

import {AudioError} from './errors.js';

/**
 * Opens the microphone.
 * @param {(samples: Float32Array) => void} onSamples Is given each block, one channel in [-1, 1].
 * @returns {Promise<{sampleRate: number, close: () => Promise<void>}>}
 * @throws {AudioError} There is none, or it is not allowed.
 */
export async function openMicrophone(onSamples) {
  const media = await openMedia();
  const context = new AudioContext();
  try {
    await context.audioWorklet.addModule(new URL('./microphone_worklet.js', import.meta.url));
  } catch {
    stop(media);
    throw new AudioError('this browser cannot record: it has no audio worklet');
  }
  const recorder = new AudioWorkletNode(context, 'microphone', {
    channelCount: 1, channelCountMode: 'explicit', numberOfOutputs: 0,
  }); // prettier-ignore
  recorder.port.onmessage = ({data}) => onSamples(data);
  const source = context.createMediaStreamSource(media);
  source.connect(recorder);
  context.resume(); // not awaited: without a loudspeaker it may never end
  const close = async () => {
    source.disconnect();
    stop(media);
    await context.close();
  };
  return {sampleRate: context.sampleRate, close};
}

async function openMedia() {
  // Browsers hide mediaDevices from pages that came over plain http.
  if (!navigator.mediaDevices) {
    throw new AudioError('the microphone needs https, or a page of this computer (localhost)');
  }
  const audio = {channelCount: 1, echoCancellation: false, noiseSuppression: false};
  try {
    return await navigator.mediaDevices.getUserMedia({audio});
  } catch (error) {
    const {name, message} = /** @type {DOMException} */ (error);
    if (name === 'NotAllowedError') {
      throw new AudioError('the microphone is not allowed: allow it beside the address of the page');
    }
    if (name === 'NotFoundError') throw new AudioError('there is no microphone');
    throw new AudioError(`the microphone cannot be opened: ${message || name}`);
  }
}

/** @param {MediaStream} media */
function stop(media) {
  for (const track of media.getTracks()) track.stop();
}
