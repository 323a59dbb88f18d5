/** Untrusted bytes: checksums, text, and typed arrays that lie within a file. */

const CRC_TABLE = Uint32Array.from({length: 256}, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/**
 * CRC-32 of bytes, as zlib computes it.
 * @param {Uint8Array} bytes
 */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ bytes[i]) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * SHA-256 of bytes in hexadecimal.
 * @param {Uint8Array} bytes
 */
export async function sha256(bytes) {
  // Browsers have crypto.subtle on https and on localhost only.
  if (!globalThis.crypto?.subtle) return null;
  const digest = await crypto.subtle.digest('SHA-256', /** @type {BufferSource} */ (bytes));
  return toHex(new Uint8Array(digest));
}

/** @param {Uint8Array} bytes */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * UTF-8 as text.
 * @param {Uint8Array} bytes
 * @throws {TypeError} The bytes are not UTF-8.
 */
export function decodeText(bytes) {
  return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes);
}

/**
 * Whether bytes begin with a text in ASCII.
 * @param {Uint8Array} bytes
 * @param {string} text
 * @param {number} [start]
 */
export function startsWith(bytes, text, start = 0) {
  return [...text].every((character, i) => bytes[start + i] === character.charCodeAt(0));
}

/**
 * Numbers in a file, in little-endian order; a view if they are aligned in memory, else a copy.
 * @param {any} kind Uint8Array, Uint16Array, Uint32Array, Int32Array or Float32Array.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} length
 * @returns {any} An array of that kind.
 * @throws {RangeError} They do not lie within the file.
 */
export function numbersAt(kind, bytes, start, length) {
  const size = kind.BYTES_PER_ELEMENT * length;
  if (!(start >= 0 && length >= 0 && start + size <= bytes.length)) {
    throw new RangeError('is truncated');
  }
  if (!IS_LITTLE_ENDIAN) throw new RangeError('needs a little-endian machine');
  const first = bytes.byteOffset + start;
  const isAligned = first % kind.BYTES_PER_ELEMENT === 0 && bytes.buffer instanceof ArrayBuffer;
  if (isAligned) return new kind(bytes.buffer, first, length);
  return new kind(bytes.slice(start, start + size).buffer, 0, length);
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
