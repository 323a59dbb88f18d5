/** Waveforms: decoding by the browser, checks, level and offset. */

import {AudioError} from './errors.js';

const MIN_SECONDS = 0.05; // a short vowel; nothing shorter can be a word
const MAX_SECONDS = 1800; // of a recording, whose samples are all in memory
const LEAST_PEAK = 0.03; // -30 dB, which networks are given at least
const MAX_PEAK = 16; // 24 dB above full scale; higher peaks are integers stored as floats
const OVERSHOOT = 1.41; // 3 dB; decoders of MP3, AAC and Opus exceed full scale by up to this
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
 * Refuses samples that are no waveform.
 * @param {Float32Array} samples
 * @throws {AudioError}
 */
export function checkWaveform(samples) {
  if (!(samples instanceof Float32Array)) {
    throw new AudioError('samples must be a Float32Array with values in [-1, 1]');
  }
  if (!samples.every((sample) => Math.abs(sample) <= MAX_PEAK)) {
    throw new AudioError('the recording has samples that are not finite or far beyond full scale');
  }
}

/**
 * Refuses a waveform that cannot be transcribed.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 * @param {number} [maxSeconds]
 * @throws {AudioError} It is too short or too long, or its samples are not those of a waveform.
 */
export function checkSamples(samples, sampleRate, maxSeconds = MAX_SECONDS) {
  checkWaveform(samples);
  const seconds = samples.length / sampleRate;
  if (seconds < MIN_SECONDS) {
    throw new AudioError(
      samples.length
        ? `the recording lasts ${Number(seconds.toPrecision(2))} s, too short for speech`
        : 'the recording has no samples',
    );
  }
  checkSeconds(seconds, maxSeconds);
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
 * Samples within [-1, 1]: clipped if they exceed it by little, else scaled before, unless only a few
 * do: see within_full_scale in speechlstm/audio/waveform.py.
 * @param {Float32Array} samples
 */
export function withinFullScale(samples) {
  const levels = samples.map(Math.abs);
  const peak = levels.reduce((highest, level) => Math.max(highest, level), 0);
  if (peak <= 1) return samples;
  const usual = peak > OVERSHOOT ? 1.5 * quantile(levels.sort(), 0.999) : 1;
  const scale = Math.fround(Math.max(1, Math.min(peak, usual)));
  return samples.map((sample) => Math.min(Math.max(-1, sample / scale), 1));
}

/**
 * A quantile of sorted values, between two of them by their distance.
 * @param {Float32Array} values
 * @param {number} share
 */
function quantile(values, share) {
  const place = share * (values.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, values.length - 1);
  return values[low] + (place - low) * (values[high] - values[low]);
}

/**
 * The waveform without its mean, and scaled to a peak of LEAST_PEAK if it is quieter: see
 * Audio.levelled in speechlstm/audio/waveform.py.
 * @param {Float32Array} samples
 */
export function levelled(samples) {
  const sum = samples.reduce((total, sample) => total + sample, 0);
  const mean = Math.fround(sum / Math.max(1, samples.length));
  const given = samples.map((sample) => sample - mean);
  const peak = given.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 0);
  return 0 < peak && peak < LEAST_PEAK ? given.map((sample) => (sample / peak) * LEAST_PEAK) : given;
}
