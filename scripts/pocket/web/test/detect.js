/**
 * Says for sounds whether they can be speech, for tests that compare with Python:
 *
 *     node detect.js FILE.f32 ...      (float32 at 16 kHz; each tenth of a second is asked for)
 */

import {readFileSync} from 'node:fs';
import {SpeechDetector} from '../speechlstm.js';

const RATE = 16000;
const answers = process.argv.slice(2).map((file) => {
  const bytes = new Uint8Array(readFileSync(file));
  const samples = new Float32Array(bytes.buffer);
  const detector = new SpeechDetector(samples, RATE);
  const numTenths = Math.ceil((10 * samples.length) / RATE);
  return Array.from({length: numTenths}, (_, i) => detector.isSpeechPossible(i / 10, i / 10 + 0.3));
});
console.log(JSON.stringify(answers));
