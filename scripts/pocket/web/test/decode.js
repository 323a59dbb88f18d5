/**
 * Decodes log-probabilities from files, for tests that compare with Python:
 *
 *     node decode.js REQUEST.json
 *
 * The request has the bundle's folder, the options of `decoderOf`, and utterances with their files
 * (float32, row by row), shapes and durations. The answer on standard output has the hypotheses.
 */

import {readFile} from 'node:fs/promises';
import {LogProbs, decoderOf, readBundle} from '../speechlstm.js';
import {readFolder} from '../src/node.js';

const request = JSON.parse(await readFile(process.argv[2], 'utf8'));
const started = process.cpuUsage();
const bundle = await readBundle(readFolder(request.bundle), request.model);
const decoder = await decoderOf(bundle, request.options);
const loaded = process.cpuUsage(started).user / 1e6;
const hypotheses = [];
const before = process.cpuUsage();
let audio = 0;
for (const {file, numFrames, numLabels, duration} of request.utterances) {
  const bytes = new Uint8Array(await readFile(file));
  const logProbs = new LogProbs(new Float32Array(bytes.buffer), numFrames, numLabels);
  hypotheses.push(decoder.decode(logProbs, duration));
  audio += duration;
}
const {user, system} = process.cpuUsage(before);
const rtf = (user + system) / 1e6 / audio;
console.log(JSON.stringify({hypotheses, loadSeconds: loaded, rtf}));
