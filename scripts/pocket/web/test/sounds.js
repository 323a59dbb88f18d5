/**
 * Says for sounds whether they can be speech, each tenth of a second, and into which segments they
 * are cut (start, number of samples, energy), for tests that compare with Python:
 *
 *     node sounds.js FILE.f32 ...      (float32 at 16 kHz)
 */

import {readFileSync} from 'node:fs';
import {SpeechDetector, splitAtPauses} from '../speechlstm.js';

const RATE = 16000;
const found = process.argv.slice(2).map((file) => {
  const bytes = new Uint8Array(readFileSync(file));
  const samples = new Float32Array(bytes.buffer);
  const detector = new SpeechDetector(samples, RATE);
  const tenths = Array.from({length: Math.ceil((10 * samples.length) / RATE)}, (_, i) => i / 10);
  const answers = tenths.map((time) => detector.isSpeechPossible(time, time + 0.3));
  const segments = splitAtPauses(samples, RATE, 20).map((segment) => [
    segment.start,
    segment.samples.length,
    segment.samples.reduce((sum, sample) => sum + sample * sample, 0),
  ]);
  return {answers, segments};
});
console.log(JSON.stringify(found));
