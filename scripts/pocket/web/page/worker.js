/**
 * The recogniser in a thread of its own, so that the page stays responsive. A classic worker, since
 * LiteRT.js loads its WebAssembly by importScripts.
 */

const HEAR_SECONDS = 0.4; // of new sound, before partial words are looked for

/** @type {any} */
let recognizer = null;
let Resampler = null;
/** @type {any} */
let live = null; // {stream, resampler, blocks}
let isHearing = false;

/** Loads LiteRT.js and the bundle. */
async function load() {
  const [litert, speechlstm] = await Promise.all([
    import('./litert/core.js'), import('./speechlstm/speechlstm.js'),
  ]); // prettier-ignore
  Resampler = speechlstm.Resampler;
  const {warn} = console;
  console.warn = () => {}; // that there is no WebGPU
  const wasm = new URL('litert/wasm/', location.href).href;
  // Without this, it looks for the wasm beside this script, and writes its log to the console.
  self.Module = {locateFile: (name) => wasm + name, printErr() {}};
  await litert.loadLiteRt(wasm);
  console.warn = warn;
  recognizer = await speechlstm.Recognizer.load(readWithProgress(speechlstm.BundleError), {litert});
  return {sampleRate: recognizer.sampleRate};
}

/** Reads files of the bundle, and reports how much of all of them has arrived. */
function readWithProgress(BundleError) {
  const sizes = {'model.portable.tflite': 0.5, 'lm.ngram': 0.35, 'lexicon.tree': 0.15};
  let share = 0;
  return async (name) => {
    const response = await fetch(`bundle/${name}`).catch(() => {
      throw new BundleError(`${name}: cannot be loaded; is there a connection?`);
    });
    if (response.status === 404) return null;
    if (!response.ok) throw new BundleError(`${name}: cannot be loaded: ${response.status}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    share += sizes[name] ?? 0;
    postMessage({type: 'progress', share});
    return bytes;
  };
}

/** Transcribes a recording. */
async function transcribe({samples}) {
  return recognizer.transcribe(samples);
}

/** Decodes with other options, such as hot words. */
async function change({options}) {
  await recognizer.change(options);
  return {};
}

/** Begins to listen. */
async function start() {
  live = {stream: recognizer.openStream(), resampler: null, blocks: []};
  return {};
}

/** Takes sound from the microphone, and hears it if there is time. */
async function feed({samples}) {
  if (!live) return;
  if (!live.resampler) {
    live.blocks.push(samples);
    return;
  }
  take(live.resampler.push(samples));
  if (isHearing) return;
  isHearing = true;
  while (live && !live.isFinished && live.stream.unheardSeconds >= HEAR_SECONDS) {
    postMessage({type: 'events', events: await live.stream.hear()});
    await new Promise((resolve) => setTimeout(resolve)); // for blocks that have arrived meanwhile
  }
  isHearing = false;
}

/** The rate of the microphone, which is known once it is open. */
async function rate({sampleRate}) {
  live.resampler = new Resampler(sampleRate, recognizer.sampleRate);
  const {blocks} = live;
  live.blocks = [];
  for (const block of blocks) take(live.resampler.push(block));
}

function take(samples) {
  live.blocks.push(samples);
  live.stream.feed(samples);
}

/** Hears the rest; the answer has the recording as a WAV file. */
async function finish() {
  live.isFinished = true;
  while (isHearing) await new Promise((resolve) => setTimeout(resolve, 10));
  if (live.resampler) take(live.resampler.rest());
  postMessage({type: 'events', events: await live.stream.finish()});
  const wave = waveFile(live.blocks, recognizer.sampleRate);
  live = null;
  return {wave};
}

/** A WAV file of 16-bit samples. */
function waveFile(blocks, sampleRate) {
  const numSamples = blocks.reduce((sum, block) => sum + block.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * numSamples));
  const text = (at, letters) => [...letters].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, 36 + 2 * numSamples, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, 2 * numSamples, true);
  let at = 44;
  for (const block of blocks) {
    for (const sample of block) {
      view.setInt16(at, Math.max(-1, Math.min(1, sample)) * 32767, true);
      at += 2;
    }
  }
  return view.buffer;
}

const TASKS = {load, transcribe, change, start, feed, rate, finish};
const ANSWERED = new Set(['load', 'transcribe', 'change', 'start', 'finish']);

onmessage = async ({data}) => {
  try {
    const answer = await TASKS[data.type](data);
    if (ANSWERED.has(data.type)) postMessage({...answer, type: data.type});
  } catch (error) {
    isHearing = false;
    postMessage({type: 'failed', message: error instanceof Error ? error.message : String(error)});
  }
};
