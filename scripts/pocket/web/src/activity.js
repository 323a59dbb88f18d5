/** Decides from spectra whether a sound can be speech: see speechlstm/audio/activity.py. */

const WINDOW_SECONDS = 0.032;
const HOP_SECONDS = 0.01;
const PRE_EMPHASIS = 0.97;
const FIRST_BIN = 2; // 62 Hz; below are offsets, which would be the strongest line, and rumble
const LINE_HALF_WIDTH = 2; // bins, the main lobe of a Hann window
const NUM_LINES = 2;
const BAND_HZ = 500;
const LOUD_DB = 30; // below the loudest frame of a segment; quieter frames are background
const RANGE_DB = 60; // below the loudest band of a segment; lower levels are inaudible
const SILENCE = 1e-9; // power of a band, far below a 16-bit step
const MIN_FRAMES = 3; // the loud frames needed to measure a change of timbre
const MARGIN_SECONDS = 0.1; // a word begins before, and ends after, the frames that emit it
const MIN_SECONDS = 0.5; // of a segment; a shorter one may be part of a single vowel
const MAX_LINE_SHARE = 0.96;
const MIN_TIMBRE_CHANGE_DB = 1.6;

/** Decides for segments of a recording whether they can be speech. */
export class SpeechDetector {
  /**
   * @param {Float32Array} samples
   * @param {number} sampleRate
   */
  constructor(samples, sampleRate) {
    const spectra = powerSpectra(samples, sampleRate);
    this.powers = spectra.map(sum);
    this.bands = spectra.map((spectrum) => banded(spectrum, sampleRate));
    this.lines = spectra.map(strongestLines);
  }

  /**
   * Whether there can be a word from start to end, in seconds.
   * @param {number} start
   * @param {number} end
   */
  isSpeechPossible(start, end) {
    const margin = Math.max(MARGIN_SECONDS, (MIN_SECONDS - (end - start)) / 2) - WINDOW_SECONDS / 2;
    const frameOf = (/** @type {number} */ time) => {
      const frame = Math.round((time - WINDOW_SECONDS / 2) / HOP_SECONDS);
      return Math.min(Math.max(0, frame), this.powers.length - 1);
    };
    const [first, stop] = [frameOf(start - margin), frameOf(end + margin) + 1];
    const power = sum(this.powers.slice(first, stop));
    if (!power) return false; // digital silence
    if (sum(this.lines.slice(first, stop)) / power > MAX_LINE_SHARE) return false;
    return timbreChange(this.bands.slice(first, stop)) >= MIN_TIMBRE_CHANGE_DB;
  }
}

/**
 * How much the spectral shapes of the loud frames differ, in dB; Infinity if there are too few.
 * @param {Float64Array[]} bands
 */
function timbreChange(bands) {
  const powers = bands.map(sum);
  const loudest = Math.max(...powers) * 10 ** (-LOUD_DB / 10);
  const levels = bands.map((band) => band.map((power) => 10 * Math.log10(power)));
  const lowest = Math.max(...levels.map((level) => Math.max(...level))) - RANGE_DB;
  const shapes = levels
    .filter((_, t) => powers[t] >= loudest)
    .map((level) => {
      const audible = level.map((value) => Math.max(value, lowest));
      const mean = sum(audible) / audible.length;
      return audible.map((value) => value - mean);
    });
  if (shapes.length < MIN_FRAMES) return Infinity;
  const deviations = shapes[0].map((_, k) => {
    const mean = sum(shapes.map((shape) => shape[k])) / shapes.length;
    return Math.sqrt(sum(shapes.map((shape) => (shape[k] - mean) ** 2)) / shapes.length);
  });
  return sum(deviations) / deviations.length;
}

/**
 * Power spectra of frames, whose frame t starts at t * HOP_SECONDS.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 */
function powerSpectra(samples, sampleRate) {
  const size = Math.round(WINDOW_SECONDS * sampleRate);
  const hop = Math.round(HOP_SECONDS * sampleRate);
  const emphasised = Float64Array.from({length: Math.max(size, samples.length)}, (_, i) => {
    if (i >= samples.length) return 0;
    return i ? Math.fround(samples[i] - Math.fround(Math.fround(PRE_EMPHASIS) * samples[i - 1])) : samples[0];
  });
  const window = hann(size);
  const spectra = [];
  for (let start = 0; start + size <= emphasised.length; start += hop) {
    spectra.push(powerSpectrum(window.map((weight, i) => weight * emphasised[start + i])));
  }
  return spectra;
}

/** @param {number} size */
const hann = (size) =>
  Float64Array.from({length: size}, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (size - 1)));

/**
 * |FFT|^2 of the bins up to half the sample rate.
 * @param {Float64Array} samples Their number is a power of two, or the transform is a slow one.
 */
function powerSpectrum(samples) {
  const real = samples.slice();
  const imaginary = new Float64Array(samples.length);
  if (samples.length & (samples.length - 1)) slowTransform(samples, real, imaginary);
  else fft(real, imaginary);
  const numBins = Math.floor(samples.length / 2) + 1;
  return Float64Array.from({length: numBins}, (_, k) =>
    k < FIRST_BIN ? 0 : real[k] ** 2 + imaginary[k] ** 2,
  );
}

/**
 * Cooley and Tukey's fast Fourier transform, in place.
 * @param {Float64Array} real
 * @param {Float64Array} imaginary
 */
function fft(real, imaginary) {
  const size = real.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [real[i], real[j]] = [real[j], real[i]];
  }
  for (let span = 1; span < size; span *= 2) {
    for (let k = 0; k < span; k++) {
      const [cos, sin] = [Math.cos((Math.PI * k) / span), -Math.sin((Math.PI * k) / span)];
      for (let a = k; a < size; a += 2 * span) {
        const b = a + span;
        const x = real[b] * cos - imaginary[b] * sin;
        const y = real[b] * sin + imaginary[b] * cos;
        [real[b], imaginary[b]] = [real[a] - x, imaginary[a] - y];
        [real[a], imaginary[a]] = [real[a] + x, imaginary[a] + y];
      }
    }
  }
}

/**
 * @param {Float64Array} samples
 * @param {Float64Array} real
 * @param {Float64Array} imaginary
 */
function slowTransform(samples, real, imaginary) {
  const size = samples.length;
  for (let k = 0; k < size; k++) {
    const angle = (/** @type {number} */ i) => (-2 * Math.PI * ((i * k) % size)) / size;
    real[k] = samples.reduce((total, sample, i) => total + sample * Math.cos(angle(i)), 0);
    imaginary[k] = samples.reduce((total, sample, i) => total + sample * Math.sin(angle(i)), 0);
  }
}

/**
 * The power in bands of equal width, at least SILENCE.
 * @param {Float64Array} spectrum
 * @param {number} sampleRate
 */
function banded(spectrum, sampleRate) {
  const numBands = Math.ceil(sampleRate / 2 / BAND_HZ);
  const binHz = sampleRate / 2 / (spectrum.length - 1);
  const bands = new Float64Array(numBands);
  spectrum.forEach((power, k) => {
    bands[Math.min(Math.floor((k * binHz) / BAND_HZ), numBands - 1)] += power;
  });
  return bands.map((power) => Math.max(power, SILENCE));
}

/**
 * The energy in the strongest spectral lines.
 * @param {Float64Array} spectrum
 */
function strongestLines(spectrum) {
  const left = spectrum.slice();
  let energy = 0;
  for (let line = 0; line < NUM_LINES; line++) {
    const peak = left.indexOf(Math.max(...left));
    const first = Math.max(0, peak - LINE_HALF_WIDTH);
    const stop = Math.min(left.length, peak + LINE_HALF_WIDTH + 1);
    for (let k = first; k < stop; k++) energy += left[k];
    left.fill(0, first, stop);
  }
  return energy;
}

/** @param {ArrayLike<number>} values */
function sum(values) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
