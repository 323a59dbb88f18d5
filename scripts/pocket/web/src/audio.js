/** Waveforms: decoding by the browser, checks, and cutting at pauses. */

import {AudioError} from './errors.js';

const MIN_SECONDS = 0.05; // a short vowel; nothing shorter can be a word
const MAX_SECONDS = 1800; // of a recording, whose samples are all in memory
const MAX_PEAK = 16; // 24 dB above full scale; higher peaks are integers stored as floats
const PAUSE_SECONDS = 0.2; // longer than the closure of a stop
const OPPOSITE = 0.1; // of the channels' power is left in the mean of channels that cancel out

/**
 * Decodes a recording, whatever the browser plays, to one channel at a sample rate.
 * @param {Blob} blob
 * @param {number} sampleRate
 * @param {number} [maxSeconds] The longest recording that is decoded.
 * @returns {Promise<Float32Array>}
 * @throws {AudioError} The browser cannot decode it, or it is too long.
 */
export async function decodeAudio(blob, sampleRate, maxSeconds = MAX_SECONDS) {
  checkSeconds(await durationOf(blob), maxSeconds); // before it fills the memory
  const context = new OfflineAudioContext(1, 1, sampleRate);
  try {
    return mixed(await context.decodeAudioData(await blob.arrayBuffer()));
  } catch {
    const type = blob.type ? ` (${blob.type})` : '';
    throw new AudioError(`this browser cannot decode the recording${type}; convert it to WAV`);
  }
}

/**
 * The duration of a recording as its header says; 0 if it does not say.
 * @param {Blob} blob
 * @returns {Promise<number>}
 */
function durationOf(blob) {
  const address = URL.createObjectURL(blob);
  return new Promise((resolve) => {
    const element = new Audio();
    element.preload = 'metadata';
    const done = () => resolve(Number.isFinite(element.duration) ? element.duration : 0);
    element.onloadedmetadata = element.onerror = done;
    element.src = address;
  }).finally(() => URL.revokeObjectURL(address));
}

/**
 * The mean of all channels; the first one if they cancel each other out.
 * @param {AudioBuffer} audio
 */
function mixed(audio) {
  const channels = Array.from({length: audio.numberOfChannels}, (_, k) => audio.getChannelData(k));
  const [first] = channels;
  if (channels.length === 1) return first;
  const mean = first.map((_, i) => channels.reduce((sum, c) => sum + c[i], 0) / channels.length);
  return power(mean) < OPPOSITE * power(first) ? first : mean;
}

/** @param {Float32Array} samples */
const power = (samples) => samples.reduce((sum, sample) => sum + sample * sample, 0);

/**
 * Refuses a waveform that cannot be transcribed.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 * @param {number} [maxSeconds]
 * @throws {AudioError} It is too short or too long, or its samples are not those of a waveform.
 */
export function checkSamples(samples, sampleRate, maxSeconds = MAX_SECONDS) {
  const seconds = samples.length / sampleRate;
  if (seconds < MIN_SECONDS) {
    throw new AudioError(`the recording lasts ${seconds.toFixed(2)} s, too short for speech`);
  }
  checkSeconds(seconds, maxSeconds);
  if (!samples.every((sample) => Math.abs(sample) <= MAX_PEAK)) {
    throw new AudioError('the recording has samples that are not finite or far beyond full scale');
  }
}

/**
 * @param {number} seconds
 * @param {number} maxSeconds
 */
function checkSeconds(seconds, maxSeconds) {
  if (seconds <= maxSeconds) return;
  throw new AudioError(
    `the recording lasts ${Math.round(seconds)} s, more than ${maxSeconds} s: cut it into parts`,
  );
}

/**
 * Cuts a waveform into segments at the quietest places: see speechlstm/audio/segments.py.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 * @param {number} maxSeconds
 * @returns {{start: number, samples: Float32Array}[]} With their starts in seconds.
 */
export function splitAtPauses(samples, sampleRate, maxSeconds) {
  const maxSamples = Math.round(maxSeconds * sampleRate);
  const segments = [];
  let start = 0;
  while (samples.length - start > maxSamples) {
    const cut = quietest(samples.subarray(start, start + maxSamples), sampleRate);
    segments.push({start: start / sampleRate, samples: samples.subarray(start, start + cut)});
    start += cut;
  }
  return [...segments, {start: start / sampleRate, samples: samples.subarray(start)}];
}

/**
 * The middle of the quietest pause between one half and nine tenths of the samples.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 */
export function quietest(samples, sampleRate) {
  const low = Math.floor(samples.length / 2);
  const high = Math.floor((samples.length * 9) / 10);
  const window = Math.round(PAUSE_SECONDS * sampleRate);
  const energy = new Float64Array(high - low); // up to and with each sample
  let sum = 0;
  for (let i = low; i < high; i++) energy[i - low] = sum += samples[i] * samples[i];
  let best = 0;
  let lowest = Infinity;
  for (let i = 0; i + window < energy.length; i++) {
    const inside = energy[i + window] - energy[i];
    if (inside < lowest) [best, lowest] = [i, inside];
  }
  return low + Math.floor(window / 2) + best;
}
