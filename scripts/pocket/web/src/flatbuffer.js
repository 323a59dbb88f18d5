/**
 * Reads untrusted FlatBuffers: every access is checked to lie within the file. The same checks as in
 * speechlstm/tflite/flatbuffer.py, for LiteRT follows any offset that it finds.
 */

import {decodeText, startsWith} from './bytes.js';

const TABLE_BYTES = 8; // at least, with the offset that refers to it

/** The content of a file. */
export class FlatBuffer {
  /**
   * @param {Uint8Array} bytes
   * @param {string} identifier The file identifier, expected at byte 4.
   * @throws {RangeError} The file has another identifier.
   */
  constructor(bytes, identifier) {
    if (!startsWith(bytes, identifier, 4)) throw new RangeError(`no ${identifier} at byte 4`);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // A small file could refer to the same bytes so often that reading it would never end.
    this.bytesLeft = 4 * bytes.length;
  }

  /** The root table. */
  root() {
    return new Table(this, this.uint32(0));
  }

  /** @param {number} position */
  uint32(position) {
    this.check(position, 4, 4);
    return this.view.getUint32(position, true);
  }

  /** @param {number} position */
  int32(position) {
    this.check(position, 4, 4);
    return this.view.getInt32(position, true);
  }

  /** @param {number} position */
  uint16(position) {
    this.check(position, 2, 2);
    return this.view.getUint16(position, true);
  }

  /**
   * Refuses a place outside the file or out of alignment.
   * @param {number} position
   * @param {number} numBytes
   * @param {number} alignment
   */
  check(position, numBytes, alignment) {
    const isInside = position >= 0 && position + numBytes <= this.bytes.length;
    if (!isInside || position % alignment) throw new RangeError(`damaged: at byte ${position}`);
  }

  /**
   * Counts bytes that are read, to refuse files that refer to the same bytes too often.
   * @param {number} numBytes
   */
  spend(numBytes) {
    this.bytesLeft -= numBytes;
    if (this.bytesLeft < 0) throw new RangeError('damaged: refers to the same bytes too often');
  }
}

/** A table, with numbered fields, any of which may be missing. */
export class Table {
  /**
   * @param {FlatBuffer} file
   * @param {number} position
   * @throws {RangeError} The table does not lie within the file.
   */
  constructor(file, position) {
    file.spend(TABLE_BYTES);
    this.file = file;
    this.position = position;
    this.vtable = position - file.int32(position);
    const numBytes = file.uint16(this.vtable);
    this.size = file.uint16(this.vtable + 2);
    if (numBytes < 4 || numBytes % 2) throw new RangeError(`damaged: vtable at ${this.vtable}`);
    file.check(this.vtable, numBytes, 2);
    file.check(position, this.size, 4);
    this.numFields = (numBytes - 4) / 2;
  }

  /**
   * The place of a field of some bytes; 0 if it is missing.
   * @param {number} field
   * @param {number} numBytes
   */
  place(field, numBytes) {
    const offset = field < this.numFields ? this.file.uint16(this.vtable + 4 + 2 * field) : 0;
    if (!offset) return 0;
    if (offset < 4 || offset + numBytes > this.size) {
      throw new RangeError(`damaged: field ${field} of the table at byte ${this.position}`);
    }
    return this.position + offset;
  }

  /**
   * A number below 2^32; 0 if it is missing.
   * @param {number} field
   */
  uint32(field) {
    const place = this.place(field, 4);
    return place && this.file.uint32(place);
  }

  /**
   * The position of a vector's items in the file, and their number.
   * @param {number} field
   * @param {number} itemBytes
   * @returns {[start: number, length: number]}
   */
  vector(field, itemBytes) {
    const place = this.place(field, 4);
    if (!place) return [0, 0];
    const position = place + this.file.uint32(place);
    const length = this.file.uint32(position);
    this.file.check(position + 4, length * itemBytes, itemBytes);
    this.file.spend(length * itemBytes);
    return [position + 4, length];
  }

  /**
   * The vector of tables in a field; empty if the field is missing.
   * @param {number} field
   */
  tables(field) {
    const [start, length] = this.vector(field, 4);
    return Array.from({length}, (_, k) => {
      const place = start + 4 * k;
      return new Table(this.file, place + this.file.uint32(place));
    });
  }

  /**
   * The string in a field; empty if the field is missing.
   * @param {number} field
   */
  text(field) {
    const [start, length] = this.vector(field, 1);
    return decodeText(this.file.bytes.subarray(start, start + length));
  }
}
