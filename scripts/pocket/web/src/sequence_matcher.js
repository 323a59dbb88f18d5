/** The parts that two sequences have in common, as Python's difflib.SequenceMatcher finds them. */

/**
 * The matching blocks of two sequences: [start in a, start in b, size], in order. The longest match
 * is taken first (of equally long ones the first in a, then in b), then those beside it.
 * @param {string[]} a
 * @param {string[]} b
 * @returns {[number, number, number][]}
 */
export function matchingBlocks(a, b) {
  /** @type {[number, number, number][]} */
  const blocks = [];
  const search = (/** @type {number[]} */ [aStart, aStop, bStart, bStop]) => {
    const [i, j, size] = longestMatch(a, b, aStart, aStop, bStart, bStop);
    if (!size) return;
    search([aStart, i, bStart, j]);
    blocks.push([i, j, size]);
    search([i + size, aStop, j + size, bStop]);
  };
  search([0, a.length, 0, b.length]);
  return blocks;
}

/**
 * @param {string[]} a
 * @param {string[]} b
 * @param {number} aStart
 * @param {number} aStop
 * @param {number} bStart
 * @param {number} bStop
 */
function longestMatch(a, b, aStart, aStop, bStart, bStop) {
  let best = [aStart, bStart, 0];
  let sizes = new Map(); // by the end in b, of the match that ends before i
  for (let i = aStart; i < aStop; i++) {
    const next = new Map();
    for (let j = bStart; j < bStop; j++) {
      if (a[i] !== b[j]) continue;
      const size = (sizes.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best[2]) best = [i - size + 1, j - size + 1, size];
    }
    sizes = next;
  }
  return best;
}
