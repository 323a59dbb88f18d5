/**
 * The .tflite file: the description inside it, and the length of the recording, which LiteRT.js
 * needs in the file itself, since it runs graphs of fixed shapes only.
 */

import {decodeText, sha256, toHex} from './bytes.js';
import {BundleError} from './errors.js';
import {FlatBuffer} from './flatbuffer.js';

const IDENTIFIER = 'TFL3';
const DIGEST_BYTES = 32; // SHA-256 of everything before it, at the end of the file
const NAME = 'speechlstm'; // of the metadata entry

// Numbers of fields in TensorFlow Lite's schema.fbs.
const MODEL = {subgraphs: 2, buffers: 4, metadata: 6};
const SUBGRAPH = {tensors: 0, inputs: 1, outputs: 2};
const TENSOR = {shape: 0, isVariable: 5, shapeSignature: 7};
const METADATA = {name: 0, buffer: 1};
const BUFFER = {data: 0};

/**
 * The description inside a .tflite file, from its metadata entry "speechlstm".
 * @param {Uint8Array} file
 * @returns {Promise<any>} JSON values; what bundle.json has, without decoder and files.
 * @throws {BundleError} The file is damaged, or speechlstm has not written it.
 */
export async function readMetadata(file) {
  const digest = await sha256(file.subarray(0, -DIGEST_BYTES));
  if (digest !== null && digest !== toHex(file.subarray(-DIGEST_BYTES))) {
    throw new BundleError(
      'damaged, or not a .tflite file that speechlstm wrote: wrong checksum at its end',
    );
  }
  try {
    return JSON.parse(decodeText(embedded(file)));
  } catch (error) {
    if (error instanceof BundleError) throw error;
    throw new BundleError(`has no description of the model: ${message(error)}`);
  }
}

/** @param {Uint8Array} file */
function embedded(file) {
  const model = new FlatBuffer(file, IDENTIFIER).root();
  const entry = model.tables(MODEL.metadata).find((table) => table.text(METADATA.name) === NAME);
  const buffer = entry && model.tables(MODEL.buffers)[entry.uint32(METADATA.buffer)];
  if (!buffer) throw new RangeError(`no metadata entry named ${NAME}`);
  const [start, length] = buffer.vector(BUFFER.data, 1);
  return file.subarray(start, start + length);
}

/**
 * Checks that LiteRT.js can run a file: that no tensor is a variable.
 * @param {Uint8Array} file
 * @throws {BundleError} It cannot, or the file is damaged.
 */
export function checkPortable(file) {
  const isVariable = guarded(() =>
    new FlatBuffer(file, IDENTIFIER)
      .root()
      .tables(MODEL.subgraphs)
      .some((graph) =>
        graph.tables(SUBGRAPH.tensors).some((tensor) => {
          const place = tensor.place(TENSOR.isVariable, 1);
          return place && file[place];
        }),
      ),
  );
  if (isVariable) {
    throw new BundleError(
      'has variable tensors, which LiteRT.js cannot run: take the portable file, ' +
        'which speechlstm export --target everywhere writes',
    );
  }
}

/**
 * Writes the length of a recording into a .tflite file, in place: into shape and shape signature of
 * its input and its output.
 * @param {Uint8Array} file
 * @param {number} numSamples
 * @param {number} numFrames
 * @throws {BundleError} The file is damaged, or its input or output has another shape.
 */
export function setLength(file, numSamples, numFrames) {
  guarded(() => {
    const flatbuffer = new FlatBuffer(file, IDENTIFIER);
    const graph = flatbuffer.root().tables(MODEL.subgraphs)[0];
    if (!graph) throw new RangeError('damaged: no graph');
    setDimension(flatbuffer, graph, SUBGRAPH.inputs, 2, numSamples);
    setDimension(flatbuffer, graph, SUBGRAPH.outputs, 3, numFrames);
  });
}

/**
 * The length of all inputs of a file that was exported with --seconds; null: any length.
 * @param {Uint8Array} file
 * @returns {number | null}
 * @throws {BundleError} The file is damaged.
 */
export function fixedLength(file) {
  return guarded(() => {
    const flatbuffer = new FlatBuffer(file, IDENTIFIER);
    const graph = flatbuffer.root().tables(MODEL.subgraphs)[0];
    const [first, numInputs] = graph?.vector(SUBGRAPH.inputs, 4) ?? [0, 0];
    if (numInputs !== 2) return null; // only these have the input num_samples
    const tensors = graph.tables(SUBGRAPH.tensors);
    for (const place of [first, first + 4]) {
      const [start, rank] = tensors[flatbuffer.int32(place)]?.vector(TENSOR.shape, 4) ?? [0, 0];
      if (rank === 2) return flatbuffer.int32(start + 4);
    }
    throw new RangeError('has no input of samples');
  });
}

/**
 * @param {FlatBuffer} file
 * @param {import('./flatbuffer.js').Table} graph
 * @param {number} ends Which tensors: the field of inputs or of outputs.
 * @param {number} rank
 * @param {number} value The new size of dimension 1.
 */
function setDimension(file, graph, ends, rank, value) {
  const [first, numEnds] = graph.vector(ends, 4);
  const tensor = numEnds === 1 && graph.tables(SUBGRAPH.tensors)[file.int32(first)];
  if (!tensor) throw new RangeError('must have one input and one output');
  for (const field of [TENSOR.shape, TENSOR.shapeSignature]) {
    const [start, length] = tensor.vector(field, 4);
    if (field === TENSOR.shapeSignature && !length) continue;
    if (length !== rank) throw new RangeError(`a tensor has ${length} dimensions, not ${rank}`);
    file.view.setInt32(start + 4, value, true);
  }
}

/**
 * @template T
 * @param {() => T} read
 */
function guarded(read) {
  try {
    return read();
  } catch (error) {
    throw new BundleError(`cannot be read: ${message(error)}`);
  }
}

/** @param {unknown} error */
export function message(error) {
  return error instanceof Error ? error.message : String(error);
}
