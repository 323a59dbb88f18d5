/** Recognises speech while it is spoken: see speechlstm/streaming/stream.py. */

import {BLANK} from './alphabet.js';
import {checkWaveform} from './audio.js';
import {argmax} from './log_probs.js';
import {quietest} from './segments.js';

const ENDPOINT_SECONDS = 0.6; // the pause that ends a segment
const LEAD_SECONDS = 0.5; // of silence before the first word of a segment
const MIN_SECONDS = 0.05;

/**
 * The words of a segment, numbered from 1. Those of a partial event may change, those of a final
 * one do not. Times are in seconds from the start of the stream.
 * @typedef {{type: 'partial' | 'final', segment: number, text: string,
 *   words: import('./words.js').Word[], start: number, end: number}} StreamEvent
 */

/**
 * Recognises speech block by block. A segment ends at a pause, or at its quietest place when it gets too long.
 * Unlike Python's stream, it hears as often as the caller has time, and where a segment ends may
 * depend on that: in a browser each hearing compiles the network for another length.
 */
export class Stream {
  /** @param {import('./recognizer.js').Recognizer} recognizer */
  constructor(recognizer) {
    this.recognizer = recognizer;
    this.rate = recognizer.sampleRate;
    /** @type {Float32Array[]} */
    this.arrived = [];
    this.pending = new Float32Array(0); // from the start of the open segment on
    this.start = 0; // of the open segment, in samples from the start of the stream
    this.segment = 1;
    this.shown = '';
  }

  /** Seconds that have arrived and have not been heard. */
  get unheardSeconds() {
    return this.arrived.reduce((sum, block) => sum + block.length, 0) / this.rate;
  }

  /**
   * Appends the next block.
   * @param {Float32Array} samples At the recogniser's sample rate, in [-1, 1].
   * @throws {import('./errors.js').AudioError} They are no waveform; the block is left out.
   */
  feed(samples) {
    checkWaveform(samples);
    this.arrived.push(samples.map((sample) => Math.min(Math.max(-1, sample), 1)));
  }

  /**
   * Hears what has arrived.
   * @returns {Promise<StreamEvent[]>} What is new; the final events come first.
   */
  async hear() {
    this.join();
    /** @type {StreamEvent[]} */
    const events = [];
    for (;;) {
      const {end, event} = await this.step();
      if (event) events.push(event);
      if (end === 0) return events;
      events.push(...(await this.close(end)));
    }
  }

  /**
   * Ends the stream.
   * @returns {Promise<StreamEvent[]>} The final events that are left.
   */
  async finish() {
    const events = (await this.hear()).filter(({type}) => type === 'final');
    return [...events, ...(await this.close(this.pending.length))];
  }

  /** Hears the open segment: where it ends (0: it does not), or what it says so far. */
  async step() {
    const limit = Math.floor(this.recognizer.model.maxSeconds * this.rate);
    if (this.pending.length > limit) {
      return {end: quietest(this.pending.subarray(0, limit), this.rate)};
    }
    const duration = this.pending.length / this.rate;
    if (duration < MIN_SECONDS) return {end: 0};
    const logProbs = await this.recognizer.logProbs(this.pending);
    const last = lastEmission(logProbs) * this.recognizer.model.spec.frameSeconds;
    if (!last && !this.shown) {
      this.drop(Math.max(0, this.pending.length - Math.round(LEAD_SECONDS * this.rate)));
      return {end: 0};
    }
    if (duration - last >= ENDPOINT_SECONDS) {
      return {end: Math.round(((last + duration) / 2) * this.rate)};
    }
    const words = this.recognizer.decodeWords(logProbs, this.pending);
    const event = this.event('partial', words, duration);
    const isNew = event.text !== '' && event.text !== this.shown;
    this.shown = event.text || this.shown;
    return isNew ? {end: 0, event} : {end: 0};
  }

  /**
   * Ends the open segment before a sample.
   * @param {number} end
   */
  async close(end) {
    const duration = end / this.rate;
    const samples = this.pending.slice(0, end);
    const words =
      duration < MIN_SECONDS
        ? []
        : this.recognizer.decodeWords(await this.recognizer.logProbs(samples), samples);
    const event = this.event('final', words, duration);
    this.drop(end);
    if (!this.shown && !words.length) return [];
    this.segment += 1;
    this.shown = '';
    return [event];
  }

  /**
   * @param {'partial' | 'final'} type
   * @param {import('./words.js').Word[]} words With times from the start of the segment.
   * @param {number} duration
   * @returns {StreamEvent}
   */
  event(type, words, duration) {
    const start = this.start / this.rate;
    const shifted = words.map((word) => ({
      ...word, start: start + word.start, end: start + word.end,
    })); // prettier-ignore
    const text = words.map((word) => word.text).join(' ');
    return {type, segment: this.segment, text, words: shifted, start, end: start + duration};
  }

  /** Appends what has arrived to the open segment. */
  join() {
    const length = this.arrived.reduce((sum, block) => sum + block.length, this.pending.length);
    const joined = new Float32Array(length);
    let at = 0;
    for (const block of [this.pending, ...this.arrived]) {
      joined.set(block, at);
      at += block.length;
    }
    this.pending = joined;
    this.arrived = [];
  }

  /** Forgets the first samples. @param {number} numSamples */
  drop(numSamples) {
    this.pending = this.pending.slice(numSamples);
    this.start += numSamples;
  }
}

/**
 * The number of frames up to the last one whose most probable label is no blank.
 * @param {import('./log_probs.js').LogProbs} logProbs
 */
function lastEmission(logProbs) {
  let last = logProbs.numFrames;
  while (last && argmax(logProbs.frame(last - 1)) === BLANK) last--;
  return last;
}
