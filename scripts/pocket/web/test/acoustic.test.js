/** What the network is given, and when. */

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';
import {test} from 'node:test';
import {LogProbs, Stream} from '../speechlstm.js';
import {AcousticModel} from '../src/acoustic.js';
import {FlatBuffer} from '../src/flatbuffer.js';

const PORTABLE = path.join(import.meta.dirname, '../../../../tests/assets/everywhere.tflite');

/** A stand-in for LiteRT.js, whose models answer with their length until they are deleted. */
const litert = {
  Tensor: class {
    constructor(values, shape) {
      Object.assign(this, {values, shape});
    }

    delete() {}
  },
  async loadAndCompile(file) {
    await pause(5);
    const flatbuffer = new FlatBuffer(file, 'TFL3');
    const graph = flatbuffer.root().tables(2)[0];
    const input = graph.tables(0)[flatbuffer.int32(graph.vector(1, 4)[0])];
    const length = flatbuffer.int32(input.vector(0, 4)[0] + 4);
    let isDeleted = false;
    const run = async ({samples}) => {
      await pause(5);
      if (isDeleted || samples.shape[1] !== length) throw new Error('it is that of another length');
      return {output: {data: async () => Float32Array.of(length), delete() {}}};
    };
    return {run, delete: () => (isDeleted = true)};
  },
};

test('recordings that are given at once are heard one after the other', async () => {
  const file = new Uint8Array(readFileSync(PORTABLE));
  const model = new AcousticModel(file, {frameStack: 1, hopSamples: 160}, litert);
  const lengths = [1600, 3200, 1600, 800];
  const heard = await Promise.all(lengths.map((length) => model.run(new Float32Array(length), 1)));
  assert.deepEqual(heard.map(([length]) => length), lengths);
  await assert.rejects(model.run(null, 1), {name: 'BundleError'}); // others are heard all the same
  assert.deepEqual(await model.run(new Float32Array(800), 1), Float32Array.of(800));
});

test('blocks that are no waveform are refused, and louder ones are clipped', async () => {
  const stream = new Stream({sampleRate: 16000});
  for (const samples of [Float32Array.of(0, NaN), Float32Array.of(17), [0.5], Int16Array.of(0)]) {
    assert.throws(() => stream.feed(samples), {name: 'AudioError'});
  }
  stream.feed(Float32Array.of(1.5, -1.25, 0.5));
  stream.join();
  assert.deepEqual(stream.pending, Float32Array.of(1, -1, 0.5));
});

test('a waveform is levelled where features are normalised by their mean', async () => {
  for (const isLevelled of [true, false]) {
    /** @type {number[]} */
    const heard = [];
    const model = Object.assign(Object.create(AcousticModel.prototype), {
      spec: {isLevelled, alphabet: {numLabels: 2}, phones: null},
      outputs: async (/** @type {Float32Array} */ samples) => {
        heard.push(...samples);
        return new LogProbs(Float32Array.of(-1, -1), 1, 2);
      },
    });
    await model.logProbs(Float32Array.of(0.5, 0.25));
    await model.logProbs(Float32Array.of(2 ** -20, 0));
    await model.logProbs(Float32Array.of(0, 0));
    const quiet = Math.fround(0.03);
    const levelled = [0.125, -0.125, quiet, -quiet, 0, 0];
    assert.deepEqual(heard, isLevelled ? levelled : [0.5, 0.25, 2 ** -20, 0, 0, 0]);
  }
});
