/** Files that are damaged, of another version, or made to do harm: one clear error for each. */

import assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import http from 'node:http';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {test} from 'node:test';
import {
  LexiconTree, NGramModel, Recognizer, decoderOf, readBundle, readMetadata, setLength,
} from '../speechlstm.js'; // prettier-ignore
import {crc32} from '../src/bytes.js';
import {readFolder, readWav} from '../src/node.js';
import {FlatBuffer} from '../src/flatbuffer.js';

// The bundle of the package, or of the environment in which the package is installed.
const ENGLISH =
  process.env.SPEECHLSTM_BUNDLE ??
  path.join(import.meta.dirname, '../../../../speechlstm/assets/english');
const file = (name) => new Uint8Array(readFileSync(path.join(ENGLISH, name)));

/** The bundle, with some of its files replaced. */
function bundleWith(changes) {
  const read = readFolder(ENGLISH);
  return readBundle(async (name) => (name in changes ? changes[name] : read(name)), 'model.tflite');
}

const json = (values) => new TextEncoder().encode(JSON.stringify(values));
const index = () => JSON.parse(readFileSync(path.join(ENGLISH, 'bundle.json'), 'utf8'));

test('the English bundle is read', async () => {
  const bundle = await bundleWith({});
  assert.equal(bundle.acoustic.sampleRate, 16000);
  assert.equal(bundle.acoustic.frameSeconds, 0.03);
  assert.equal(bundle.acoustic.phones.numLabels, 40);
  assert.equal(bundle.fast.config.beamWidth, index().fast.decoding.beam_width);
});

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** The bundle with a model whose description is no JSON, with right checksums. */
function withoutDescription() {
  const model = file('model.tflite');
  const at = Buffer.from(model).indexOf('"separator"');
  model[at] = 0x0a; // JSON.parse quotes the lines around it
  model.set(sha256(model.subarray(0, -32)), model.length - 32);
  const files = {...index().files, 'model.tflite': sha256(model).toString('hex')};
  return {'model.tflite': model, 'bundle.json': json({...index(), files})};
}

for (const [reason, changes, message] of [
  ['no bundle.json', {'bundle.json': null}, /bundle.json: there is none; not a bundle/],
  ['no JSON', {'bundle.json': json({}).slice(1)}, /not readable as JSON/],
  ['a list', {'bundle.json': json([])}, /^bundle.json: must be an object/],
  ['no files', {'bundle.json': json({...index(), files: 7})}, /^bundle.json: files: must have/],
  ['another version', {'bundle.json': json({...index(), format_version: 2})}, /^bundle.json: has format version 2; .* reads 1/],
  ['a missing file', {'lm.ngram': null}, /lm.ngram: is missing/],
  ['a changed file', {'lexicon.tree': file('lexicon.tree').fill(1, 99, 100)}, /its SHA-256 is not/],
  ['no model', {'model.tflite': null}, /model.tflite: is missing/],
  ['a model without a description', withoutDescription(), /^model.tflite: has no description/],
  ['no description', {'bundle.json': json({...index(), alphabet: undefined})}, /^bundle.json: alphabet: missing/],
  ['another model', {'bundle.json': json({...index(), training: {}})}, /belongs to another bundle/],
  ['a setting out of range',
    {'bundle.json': json({...index(), decoding: {...index().decoding, beam_width: 0}})},
    /^bundle.json: decoding.beam_width: cannot be 0/],
  ['an unknown key', {'bundle.json': json({...index(), phrases: []})}, /"phrases": unknown/],
  ['an unknown setting',
    {'bundle.json': json({...index(), decoding: {...index().decoding, beam: 1}})},
    /"decoding.beam": unknown/],
  ['hot words to be avoided',
    {'bundle.json': json({...index(), decoding: {...index().decoding, hot_words: ['a:-1']}})},
    /only Python's decoder avoids words/],
  ['a prior of other labels', {'bundle.json': json({...index(), prior: {log_probs: [0]}})}, /^bundle.json: prior: .* 40 labels/],
]) {
  test(`a bundle with ${reason} is refused`, async () => {
    await assert.rejects(bundleWith(changes), (error) => {
      assert.equal(error.name, 'BundleError');
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n'));
      return true;
    });
  });
}

test('a damaged .tflite file is refused', async () => {
  const model = file('model.tflite');
  model[5000] ^= 1;
  await assert.rejects(readMetadata(model), /wrong checksum at its end/);
  assert.throws(() => setLength(new Uint8Array(100), 1, 1), /cannot be read: no TFL3/);
});

test('the length is written into input and output, and nothing else changes', () => {
  const model = file('model.tflite');
  const before = model.slice();
  setLength(model, 12345, 27);
  const shapes = shapesOf(model);
  assert.deepEqual(shapes, [[[1, 12345], [1, 12345]], [[1, 27, 69], [1, 27, 69]]]); // prettier-ignore
  const numChanged = model.reduce((sum, byte, i) => sum + Number(byte !== before[i]), 0);
  assert.ok(numChanged <= 16);
});

/** Shape and shape signature of the input and of the output. */
function shapesOf(bytes) {
  const flatbuffer = new FlatBuffer(bytes, 'TFL3');
  const graph = flatbuffer.root().tables(2)[0];
  return [1, 2].map((ends) => {
    const tensor = graph.tables(0)[flatbuffer.int32(graph.vector(ends, 4)[0])];
    return [0, 7].map((field) => {
      const [start, length] = tensor.vector(field, 4);
      return Array.from({length}, (_, k) => flatbuffer.int32(start + 4 * k));
    });
  });
}

test('offsets of a flatbuffer that lead out of the file are refused', () => {
  const model = file('model.tflite');
  const view = new DataView(model.buffer);
  for (const offset of [2 ** 31, model.length, model.length - 2, 3]) {
    view.setUint32(0, offset, true); // of the root table
    assert.throws(() => setLength(model, 1, 1), /BundleError|cannot be read: damaged/);
  }
});

/** A packed lexicon with a change after which its checksum is right again. */
function lexiconWith(change) {
  const bytes = file('lexicon.tree');
  const view = new DataView(bytes.buffer);
  change(bytes, view);
  view.setUint32(12, crc32(bytes.subarray(16)), true);
  return bytes;
}

test('a lexicon that is damaged is refused, even with a right checksum', () => {
  const {tree, words} = LexiconTree.read(file('lexicon.tree'));
  assert.ok(words.length > 10000 && tree.outside > words.length);
  const numNodes = tree.outside;
  const labels = 60;
  for (const change of [
    (bytes) => (bytes[labels + numNodes] += 1), // one more child
    (bytes) => (bytes[labels + 1] = 200), // a label out of range
    (bytes) => (bytes[labels + 2 * numNodes] += 1), // one more value
    (bytes, view) => view.setInt32(labels + 4 * numNodes, -1, true), // a negative value
    (bytes, view) => view.setUint32(20, 2 ** 31, true), // more nodes than the file has
    (bytes, view) => view.setUint32(20, 0, true),
  ]) {
    assert.throws(() => LexiconTree.read(lexiconWith(change)), {name: 'LexiconError'});
  }
  const damaged = file('lexicon.tree');
  damaged[1000] ^= 1;
  assert.throws(() => LexiconTree.read(damaged), /its checksum differs/);
  damaged[8] = 9;
  assert.throws(() => LexiconTree.read(damaged), /has format version 9, not 1/);
  assert.throws(() => LexiconTree.read(new Uint8Array(10)), /is not a packed lexicon/);
});

/** A packed n-gram model with changes of header and arrays, with right checksums. */
function ngramsWith(changeHeader, changeArrays = () => {}) {
  const bytes = file('lm.ngram');
  const view = new DataView(bytes.buffer);
  const size = view.getUint32(12, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + size)));
  changeArrays(bytes.subarray(20 + size), header);
  const changed = {...header, crc32: crc32(bytes.subarray(20 + size)), ...changeHeader(header)};
  const text = new TextEncoder().encode(JSON.stringify(changed).padEnd(size));
  assert.equal(text.length, size);
  bytes.set(text, 20);
  view.setUint32(16, crc32(text), true);
  return bytes;
}

test('a language model that is damaged is refused, even with right checksums', () => {
  const model = new NGramModel(ngramsWith(() => ({writer: ''})));
  assert.equal(model.words[0], '<unk>');
  for (const changeHeader of [
    () => ({num_ngrams: [1]}),
    () => ({num_ngrams: [-1, 2, 3]}),
    ({num_states}) => ({num_states: [2, ...num_states.slice(1)]}),
    () => ({start_state: -1}),
    () => ({sentence_end: 1e9}),
    () => ({quantized: 1}),
    () => ({writer: undefined, alphabet_sha256: 7}),
    () => ({vocabulary_bytes: 5}),
  ]) {
    assert.throws(() => new NGramModel(ngramsWith((h) => ({writer: '', ...changeHeader(h)}))), {
      name: 'LanguageModelError',
    });
  }
  const beyond = (arrays) => arrays.fill(255, arrays.length - 4096); // backoffs, codebooks
  assert.throws(() => new NGramModel(ngramsWith(() => ({writer: ''}), beyond)), /codebook/);
  const suffixes = (arrays, {vocabulary_bytes: skip, num_ngrams: n, num_states: m}) => {
    const aligned = (size) => Math.ceil(size / 64) * 64;
    const [nodes, states] = [n, m].map((sizes) => sizes.reduce((a, b) => a + b));
    const sizes = [skip, 2 * nodes, nodes, 4 * states, 4 * (states + 1)];
    const start = sizes.map(aligned).reduce((a, b) => a + b);
    arrays.fill(255, start + 4, start + 8); // the suffix of state 1
  };
  assert.throws(() => new NGramModel(ngramsWith(() => ({writer: ''}), suffixes)), /out of range/);
  const damaged = file('lm.ngram');
  damaged[100000] ^= 1;
  assert.throws(() => new NGramModel(damaged), /its checksum differs/);
  damaged[8] = 3;
  assert.throws(() => new NGramModel(damaged), /format version 3, not 1/);
  assert.throws(() => new NGramModel(file('lm.ngram').subarray(0, 5000)), /truncated|damaged/);
});

test('a bundle over http: what the server says is told', async () => {
  let status = 404;
  const server = http.createServer((request, response) => {
    const name = path.basename(request.url);
    response.writeHead(status);
    response.end(status === 200 ? file(name) : '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${server.address().port}/english`;
  const load = (model) => Recognizer.load(address, {litert: null, model});
  await assert.rejects(load(), /bundle.json: there is none; not a bundle/);
  status = 500;
  await assert.rejects(load(), /english\/bundle.json: cannot be loaded: 500/);
  status = 200;
  await assert.rejects(load('model.tflite'), /has variable tensors, which LiteRT.js cannot run/);
  await assert.rejects(Recognizer.load(`${address}/model.tflite`, {litert: null}), /variable tensors/);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(load(), /cannot be loaded; is there a connection/);
});

test('options that are unknown or not possible are refused by name', async () => {
  const bundle = await bundleWith({});
  for (const [options, message] of [
    [{hotwords: ['a']}, '"hotwords": unknown option; known are litert, model, greedy, fast, hotWords, phrases, settings'],
    [{settings: {beam: 1}}, 'settings.beam: unknown'],
    [{settings: {beamWidth: 0}}, 'settings.beamWidth: cannot be 0'],
  ]) {
    await assert.rejects(decoderOf(bundle, options), {name: 'ConfigError', message});
  }
});

test('WAV files of other kinds are refused by name, whatever is in them', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'wav-'));
  t.after(() => rm(folder, {recursive: true}));
  const right = new Uint8Array(readFileSync(path.join(import.meta.dirname, '../../../../data/samples/zip.wav')));
  const at = (start, bytes) => Uint8Array.from(right, (byte, i) => bytes[i - start] ?? byte);
  const wav = path.join(folder, 'a.wav');
  for (const bytes of [
    new Uint8Array(0), right.slice(0, 43), at(0, [0]), at(12, [255, 254, 253, 252]), // no fmt
    at(20, [3]), at(22, [2]), at(24, [64]), at(34, [24]), at(36, [255, 255, 255, 255]), // no data
    at(4, []).fill(255, 16, 20),
  ]) {
    await writeFile(wav, bytes);
    await assert.rejects(readWav(wav, 16000), (error) => {
      assert.equal(error.name, 'AudioError');
      assert.ok(error.message.startsWith(`${wav}: must be 16-bit PCM with one channel at 16000 Hz`));
      return true;
    });
  }
  await writeFile(wav, at(40, [255, 255, 255, 255])); // the length of a stream is not known
  const {length} = await readWav(wav, 16000);
  assert.equal(length, (right.length - 44) / 2);
  await writeFile(wav, right.slice(0, -1));
  await assert.rejects(readWav(wav, 16000), {name: 'AudioError', message: `${wav}: is truncated`});
  for (const missing of [folder, path.join(folder, 'missing.wav')]) {
    await assert.rejects(readWav(missing, 16000), (error) => {
      assert.ok(error.name === 'AudioError' && error.message.startsWith(`${missing}: cannot be read`));
      return true;
    });
  }
});
