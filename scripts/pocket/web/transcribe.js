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
import {Recognizer, SpeechLSTMError} from './speechlstm.js';
import {loadLiteRtInNode, readFolder, readWav} from './src/node.js';

/** Processor time in seconds. */
function seconds() {
  const {user, system} = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Transcribes a file and measures: network with its compilation, network alone, decoder.
 * @param {Recognizer} recognizer
 * @param {string} file
 */
async function measured(recognizer, file) {
  const samples = await readWav(file, recognizer.sampleRate);
  const times = [seconds()];
  const logProbs = await recognizer.logProbs(samples);
  times.push(seconds());
  await recognizer.logProbs(samples);
  times.push(seconds());
  recognizer.decoder.decode(logProbs, samples.length / recognizer.sampleRate);
  times.push(seconds());
  const [first, network, decoder] = times.slice(1).map((time, i) => time - times[i]);
  const transcript = await recognizer.transcribe(samples);
  const megabytes = process.resourceUsage().maxRSS / 1024;
  return {file, ...transcript, first, network, decoder, megabytes};
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
      if (values.json) {
        console.log(JSON.stringify(await measured(recognizer, file)));
        continue;
      }
      const samples = await readWav(file, recognizer.sampleRate);
      console.log(`${file}\t${(await recognizer.transcribe(samples)).text}`);
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
