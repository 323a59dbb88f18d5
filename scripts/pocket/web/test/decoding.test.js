/** Decoding by hand-made log-probabilities and by brute force; test_web.py compares with Python. */

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Alphabet, GreedyDecoder, LogProbs, Resampler, splitAtPauses} from '../speechlstm.js';
import {align} from '../src/alignment.js';
import {PhraseGrammar} from '../src/grammar.js';
import {normalized, withoutAccents} from '../src/normalize.js';
import {parsePhrases, phraseLengths} from '../src/phrases.js';
import {plausible} from '../src/plausibility.js';
import {matchingBlocks} from '../src/sequence_matcher.js';
import {frameTimes, spelledWords} from '../src/words.js';

const LETTERS = new Alphabet([' ', ...'abcd'], '');

/** Log-probabilities of which each frame has one likely label. */
function likely(labels, numLabels, probability = 0.9) {
  const rest = Math.log((1 - probability) / (numLabels - 1));
  const data = new Float32Array(labels.length * numLabels).fill(rest);
  labels.forEach((label, t) => (data[t * numLabels + label] = Math.log(probability)));
  return new LogProbs(data, labels.length, numLabels);
}

/** Random log-probabilities, the same in every run. */
function random(numFrames, numLabels, seed) {
  let state = seed;
  const next = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const data = new Float32Array(numFrames * numLabels);
  for (let t = 0; t < numFrames; t++) {
    const odds = Array.from({length: numLabels}, () => Math.exp(4 * next()));
    const sum = odds.reduce((a, b) => a + b, 0);
    data.set(odds.map((odd) => Math.log(odd / sum)), t * numLabels);
  }
  return new LogProbs(data, numFrames, numLabels);
}

test('greedy decoding drops repeats and blanks and times words', () => {
  const logProbs = likely([0, 2, 2, 0, 2, 1, 3, 3, 0], 6);
  const {text, words, logProb} = new GreedyDecoder(LETTERS, 0.03).decode(logProbs, 0.25);
  assert.equal(text, 'aa b');
  assert.deepEqual(words.map(({text}) => text), ['aa', 'b']);
  assert.ok(Math.abs(words[0].start - 0.03) < 1e-9 && Math.abs(words[0].end - 0.15) < 1e-9);
  assert.ok(Math.abs(words[1].end - 0.235) < 1e-9, 'half a frame before the end at the latest');
  assert.ok(Math.abs(words[1].confidence - 0.9) < 1e-6);
  assert.ok(Math.abs(logProb - 9 * Math.log(0.9)) < 1e-5);
});

test('what is not log-probabilities is refused', () => {
  const decoder = new GreedyDecoder(LETTERS, 0.03);
  const linear = new LogProbs(new Float32Array(6).fill(1 / 6), 1, 6);
  assert.throws(() => decoder.decode(linear, 1), /frame 0 sum to/);
  assert.throws(() => decoder.decode(likely([0], 5), 1), /5 labels, the alphabet 6/);
  assert.throws(() => new LogProbs(new Float32Array(7), 1, 6), /not 1 x 6/);
});

test('the alignment is the best of all paths', () => {
  const labels = [1, 2, 2];
  for (let seed = 1; seed <= 20; seed++) {
    const logProbs = random(6, 3, seed);
    let best = {score: -Infinity, path: []};
    for (let code = 0; code < 3 ** 6; code++) {
      const path = Array.from({length: 6}, (_, t) => Math.floor(code / 3 ** t) % 3);
      const collapsed = path.filter((label, t) => label && label !== path[t - 1]);
      if (collapsed.join() !== labels.join()) continue;
      const score = path.reduce((sum, label, t) => sum + logProbs.frame(t)[label], 0);
      if (score > best.score) best = {score, path};
    }
    const path = new Array(6).fill(0);
    for (const {label, start, stop} of align(logProbs, labels)) path.fill(label, start, stop);
    assert.deepEqual(path, best.path);
  }
});

test('phones are words of their own, and spaces separate words', () => {
  assert.deepEqual(spelledWords([1, 2, 1, 1, 3, 4, 1], LETTERS), [
    {text: 'a', start: 1, stop: 2},
    {text: 'bc', start: 4, stop: 6},
  ]);
  const phones = new Alphabet(['AA', 'B'], ' ');
  assert.deepEqual(spelledWords([1, 2], phones).map(({text}) => text), ['AA', 'B']);
});

test('words are written as lexicons write them', () => {
  const written = "  It\u2019s T-shirt\u00ad 'TIME' Café";
  assert.equal(normalized(written), "it's t shirt time café");
  assert.equal(withoutAccents('naïve café łódź groß'), 'naive cafe lodz gross');
});

test('phrases that words consist of, and what is left over', () => {
  const phrases = new Set(['lights on', 'lights', 'stop', 'do not stop', '[unk]']);
  const cases = [
    ['lights lights on stop on', [1, 2, 1, 1]],
    ['do not stop stop', [3, 1]],
    ['[unk] do not', [1, 2]],
    ['not', [1]],
    ['', []],
  ];
  for (const [text, lengths] of cases) {
    assert.deepEqual(phraseLengths(text.split(' ').filter(Boolean), phrases), lengths);
  }
});

test('a phrase with a word that cannot be speech is dropped as a whole', () => {
  const grammar = new PhraseGrammar(parsePhrases(['do not stop', 'stop', '[unk]']), []);
  const word = (text, start, confidence = 0.9) => ({text, start, end: start + 0.2, confidence});
  const unknown = {text: '[unk]', start: 2, end: 9, confidence: 0.001};
  const words = [word('do', 0), word('not', 0.3, 0.001), word('stop', 0.6), word('stop', 1), unknown];
  const kept = plausible(words, () => true, grammar);
  assert.deepEqual(kept, words.slice(3));
  assert.deepEqual(plausible(words, () => true), [words[0], ...words.slice(2)]);
  assert.deepEqual(plausible(words, (start) => start < 0.9, grammar), []);
});

test('the last frame ends with the recording', () => {
  assert.deepEqual([...frameTimes(3, 0.5, 1.25)], [0, 0.5, 1, 1.25]); // the example in Python
});

test('matching blocks are those of difflib', () => {
  // From python -c "from difflib import *; print(SequenceMatcher(None, a, b).get_matching_blocks())"
  const blocks = (a, b) => matchingBlocks(a.split(' '), b.split(' '));
  assert.deepEqual(blocks('a b c d', 'b c a d'), [[1, 0, 2], [3, 3, 1]]); // prettier-ignore
  assert.deepEqual(blocks('a b a b', 'b a'), [[1, 0, 2]]);
  assert.deepEqual(blocks('a', 'b'), []);
});

test('long waveforms are cut in pauses, and nothing is lost', () => {
  const rate = 1000;
  const samples = Float32Array.from({length: 50 * rate}, (_, i) => Math.sin(i));
  samples.fill(0, 15 * rate, 15.4 * rate);
  const segments = splitAtPauses(samples, rate, 20);
  assert.ok(Math.abs(segments[1].start - 15.2) < 0.21);
  assert.equal(segments.reduce((sum, part) => sum + part.samples.length, 0), samples.length);
  assert.ok(segments.every((part) => part.samples.length <= 20 * rate));
});

for (const [from, to] of [[48000, 16000], [44100, 16000], [8000, 16000], [16000, 16000]]) {
  test(`a stream is resampled from ${from} to ${to} Hz, in blocks of any size`, () => {
    const tone = (hz, rate, length) =>
      Float32Array.from({length}, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));
    const convert = (samples, size) => {
      const resampler = new Resampler(from, to);
      const blocks = [];
      for (let i = 0; i < samples.length; i += size) {
        blocks.push(...resampler.push(samples.slice(i, i + size)));
      }
      return [...blocks, ...resampler.rest()];
    };
    const heard = convert(tone(1000, from, from), 999);
    assert.deepEqual(convert(tone(1000, from, from), 128), heard);
    assert.ok(Math.abs(heard.length - to) <= 1);
    const right = tone(1000, to, to);
    for (let i = 100; i < to - 100; i++) assert.ok(Math.abs(heard[i] - right[i]) < 1e-3);
    if (from < 40000) return;
    const beyond = convert(tone(10000, from, from), 4096); // would be heard as 6 kHz
    assert.ok(beyond.slice(100, -100).every((sample) => Math.abs(sample) < 1e-3));
  });
}
