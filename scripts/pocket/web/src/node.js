/** What Node needs besides the module: LiteRT.js without a browser, bundles and recordings on disk. */

import {readFile} from 'node:fs/promises';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import vm from 'node:vm';
import {AudioError} from './errors.js';

/**
 * The module @litertjs/core with its wasm files loaded. It is made for browsers: the globals that
 * its loader expects there are defined for as long as it loads.
 */
export async function loadLiteRtInNode() {
  const require = createRequire(import.meta.url);
  const wasm = path.join(path.dirname(require.resolve('@litertjs/core')), '..', 'wasm');
  const importScripts = (/** @type {string} */ script) => {
    Object.assign(globalThis, {__filename: script});
    vm.runInThisContext(readFileSync(script, 'utf8'), {filename: script});
  };
  const Module = {
    locateFile: (/** @type {string} */ name) => path.join(wasm, name), print() {}, printErr() {},
  }; // prettier-ignore
  const globals = {self: globalThis, require, importScripts, Module, __dirname: wasm};
  Object.assign(globalThis, globals, 'GPUBuffer' in globalThis ? {} : {GPUBuffer: class {}});
  const litert = await import('@litertjs/core');
  const {warn} = console;
  console.warn = () => {}; // that there is no WebGPU
  try {
    await litert.loadLiteRt(`${wasm}/`);
  } finally {
    console.warn = warn;
  }
  return litert;
}

/**
 * Reads the files of a bundle in a folder.
 * @param {string} folder
 * @returns {import('./bundle.js').ReadFile}
 */
export function readFolder(folder) {
  return async (name) => {
    try {
      return new Uint8Array(await readFile(path.join(folder, name)));
    } catch (error) {
      const {code} = /** @type {NodeJS.ErrnoException} */ (error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return null;
      throw error;
    }
  };
}

const UNKNOWN_SIZE = 0x7f000000; // sizes of at least this are not known: it was written into a pipe

/**
 * The samples of a WAV file: 16-bit PCM, one channel.
 * @param {string} file
 * @param {number} sampleRate The rate that it must have.
 * @throws {AudioError} It is something else.
 */
export async function readWav(file, sampleRate) {
  const bytes = await readFile(file).catch((error) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : error.message;
    throw new AudioError(`${file}: cannot be read: ${reason}`);
  });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const name = (/** @type {number} */ at) => bytes.toString('latin1', at, at + 4);
  const wrong = new AudioError(
    `${file}: must be 16-bit PCM with one channel at ${sampleRate} Hz: ` +
      `ffmpeg -i FILE -ac 1 -ar ${sampleRate} -c:a pcm_s16le out.wav`,
  );
  if (bytes.length < 44 || name(0) !== 'RIFF' || name(8) !== 'WAVE') throw wrong;
  let isRight = false;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [kind, size, start] = [name(at), view.getUint32(at + 4, true), at + 8];
    if (kind === 'fmt ' && start + 16 <= bytes.length) {
      const [format, channels] = [view.getUint16(start, true), view.getUint16(start + 2, true)];
      const rate = view.getUint32(start + 4, true);
      isRight = format === 1 && channels === 1 && rate === sampleRate;
      isRight &&= view.getUint16(start + 14, true) === 16;
    }
    if (kind === 'data') {
      if (!isRight) throw wrong;
      const stop = Math.min(bytes.length, start + size);
      if (stop < start + size && size < UNKNOWN_SIZE) throw new AudioError(`${file}: is truncated`);
      const samples = new Float32Array((stop - start) >> 1);
      return samples.map((_, i) => view.getInt16(start + 2 * i, true) / 32768);
    }
    at = start + size + (size % 2);
  }
  throw wrong;
}
