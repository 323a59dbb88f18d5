#!/usr/bin/env node
/**
 * Transcribes WAV files (16-bit PCM, one channel, the model's sample rate) in Node:
 *
 *     node transcribe.js --bundle BUNDLE [--model NAME] [--greedy] [--hot-word WORDS[:WEIGHT]]...
 *         [--phrase PHRASE[:WEIGHT]]... [--json] FILE...
 *
 * With --json, each line has words with times, and the seconds of processor time that network and
 * decoder took.
 */

import {parseArgs} from 'node:util';
import {Recognizer, SpeechLSTMError, splitAtPauses} from './speechlstm.js';
import {naming} from './src/errors.js';
import {loadLiteRtInNode, readFolder, readWav} from './src/node.js';

/** Processor time in seconds. */
function seconds() {
  const {user, system} = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Measures for each segment: network with its compilation, network alone, decoder.
 * @param {Recognizer} recognizer
 * @param {Float32Array} samples
 */
async function measured(recognizer, samples) {
  const {sampleRate, model} = recognizer;
  const times = {first: 0, network: 0, decoder: 0};
  for (const segment of splitAtPauses(samples, sampleRate, model.maxSeconds)) {
    model.delete(); // compiles anew
    const marks = [seconds()];
    const logProbs = await recognizer.logProbs(segment.samples);
    marks.push(seconds());
    await recognizer.logProbs(segment.samples);
    marks.push(seconds());
    recognizer.decoder.decode(logProbs, segment.samples.length / sampleRate);
    marks.push(seconds());
    times.first += marks[1] - marks[0];
    times.network += marks[2] - marks[1];
    times.decoder += marks[3] - marks[2];
  }
  return {...times, megabytes: process.resourceUsage().maxRSS / 1024};
}

/** @param {string[]} args */
async function main(args) {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {
      bundle: {type: 'string'}, model: {type: 'string'},
      greedy: {type: 'boolean'}, json: {type: 'boolean'},
      'hot-word': {type: 'string', multiple: true}, phrase: {type: 'string', multiple: true},
    },
  }); // prettier-ignore
  if (!values.bundle || !positionals.length) {
    console.error('usage: node transcribe.js --bundle BUNDLE [--model NAME] [--greedy] [--hot-word WORDS[:WEIGHT]]... [--phrase PHRASE[:WEIGHT]]... [--json] FILE...');
    return 2;
  }
  const litert = await loadLiteRtInNode();
  const {model, greedy, 'hot-word': hotWords, phrase: phrases} = values;
  const options = {litert, model, greedy, hotWords, phrases};
  const recognizer = await Recognizer.load(readFolder(values.bundle), options);
  let code = 0;
  for (const file of positionals) {
    try {
      const samples = await readWav(file, recognizer.sampleRate);
      const transcript = await naming(file, () => recognizer.transcribe(samples));
      if (values.json) {
        const row = {file, ...transcript, ...(await measured(recognizer, samples))};
        console.log(JSON.stringify(row));
      } else console.log(`${file}\t${transcript.text}`);
    } catch (error) {
      code = failed(error);
    }
  }
  return code;
}

/** @param {unknown} error */
function failed(error) {
  const isExpected = error instanceof SpeechLSTMError || (error instanceof Error && 'code' in error);
  if (!isExpected) throw error;
  console.error(`error: ${error.message}`);
  return 1;
}

// LiteRT.js leaves handles open, so the process would not end by itself.
process.exit(await main(process.argv.slice(2)).catch(failed));
