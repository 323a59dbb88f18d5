/** A prefix tree of label sequences, in flat arrays: see speechlstm/decoding/prefix_tree.py. */

export const ROOT = 0; // the node between words
const MAX_SYMBOLS = 500; // of a word

/**
 * A prefix tree. Nodes are numbered breadth first, so that siblings are adjacent. The node
 * `outside`, one after the last, stands for all sequences that are not in the tree.
 */
export class PrefixTree {
  /**
   * @param {number} numLabels Labels are 1 to numLabels - 1.
   * @param {ArrayLike<number>} labels The label that leads to each node, ascending among siblings.
   * @param {ArrayLike<number>} numChildren
   * @param {ArrayLike<number>} numValues The number of values of each node.
   * @param {Int32Array} values In the order of their nodes.
   * @param {number} numWords Values are 0 to numWords - 1.
   * @throws {RangeError} The arrays are not a valid tree, as in a damaged file.
   */
  constructor(numLabels, labels, numChildren, numValues, values, numWords) {
    this.labels = labels;
    this.values = values;
    this.outside = labels.length;
    this.firstChild = running(numChildren, 1);
    this.firstValue = running(numValues, 0);
    checkTree(this, numLabels, numWords);
    this.parents = parentsOf(this.firstChild);
  }

  /**
   * Builds a tree from sequences in any order.
   * @param {number} numLabels
   * @param {number[][]} sequences The labels of each word; of its value, the index; null: no way.
   */
  static build(numLabels, sequences) {
    const rows = sequences.map((labels, value) => ({labels, value}));
    rows.sort((a, b) => compare(a.labels, b.labels) || a.value - b.value);
    /** @type {{label: number, depth: number, from: number, to: number}[]} */
    const nodes = [{label: 0, depth: 0, from: 0, to: rows.length}];
    const numChildren = [];
    const numValues = [];
    const values = [];
    for (const {depth, from, to} of nodes) {
      let row = from;
      while (row < to && rows[row].labels.length === depth) values.push(rows[row++].value);
      numValues.push(row - from);
      const before = nodes.length;
      while (row < to) {
        const label = rows[row].labels[depth];
        const first = row;
        while (row < to && rows[row].labels[depth] === label) row++;
        nodes.push({label, depth: depth + 1, from: first, to: row});
      }
      numChildren.push(nodes.length - before);
    }
    const labels = Uint16Array.from(nodes, ({label}) => label);
    const numbers = [Uint32Array.from(numChildren), Uint32Array.from(numValues)];
    return new PrefixTree(
      numLabels, labels, numbers[0], numbers[1], Int32Array.from(values), sequences.length,
    ); // prettier-ignore
  }

  /**
   * The node that a label leads to; `outside` if there is none.
   * @param {number} node
   * @param {number} label
   */
  child(node, label) {
    if (node === this.outside) return node;
    const stop = this.firstChild[node + 1];
    for (let child = this.firstChild[node]; child < stop; child++) {
      if (this.labels[child] >= label) return this.labels[child] === label ? child : this.outside;
    }
    return this.outside;
  }

  /**
   * The labels that lead to a node.
   * @param {number} node
   */
  sequence(node) {
    const labels = [];
    for (; node !== ROOT; node = this.parents[node]) labels.push(this.labels[node]);
    return labels.reverse();
  }

  /**
   * The best score of all sequences that begin with each node's sequence; -inf if there is none.
   * @param {Float64Array} scores The score of each entry of values.
   */
  bestBelow(scores) {
    const best = new Float64Array(this.outside + 1).fill(-Infinity);
    for (let node = this.outside - 1; node >= 0; node--) {
      for (let i = this.firstValue[node]; i < this.firstValue[node + 1]; i++) {
        best[node] = Math.max(best[node], scores[i]);
      }
      const parent = this.parents[node];
      if (node) best[parent] = Math.max(best[parent], best[node]);
    }
    return best;
  }
}

/**
 * The first of the numbers that belong to each entry, when they are numbered in turn.
 * @param {ArrayLike<number>} counts
 * @param {number} first
 */
function running(counts, first) {
  const starts = new Uint32Array(counts.length + 1);
  starts[0] = first;
  for (let i = 0; i < counts.length; i++) starts[i + 1] = starts[i] + counts[i];
  return starts;
}

/**
 * @param {PrefixTree} tree
 * @param {number} numLabels
 * @param {number} numWords
 */
function checkTree({labels, values, outside, firstChild, firstValue}, numLabels, numWords) {
  if (!outside || firstChild[outside] !== outside) {
    throw new RangeError('the numbers of children are not those of a tree');
  }
  if (firstValue[outside] !== values.length) {
    throw new RangeError('the numbers of values do not add up');
  }
  for (let node = 0; node < outside; node++) {
    if (firstChild[node] <= node) throw new RangeError('a node comes before its parent');
    for (let child = firstChild[node]; child < firstChild[node + 1]; child++) {
      const above = child > firstChild[node] ? labels[child - 1] : 0;
      if (labels[child] <= above || labels[child] >= numLabels) {
        throw new RangeError('a label is out of range or out of order');
      }
    }
  }
  let depth = 0; // the last node of a level is followed by the first of the next
  for (let last = 0; last < outside - 1; last = firstChild[last + 1] - 1) {
    if (++depth > MAX_SYMBOLS) throw new RangeError(`a word has more than ${MAX_SYMBOLS} symbols`);
  }
  if (values.some((value) => value < 0 || value >= numWords)) {
    throw new RangeError('a value is out of range');
  }
}

/** @param {Uint32Array} firstChild */
function parentsOf(firstChild) {
  const parents = new Uint32Array(firstChild.length - 1);
  for (let node = 0; node < parents.length; node++) {
    parents.fill(node, firstChild[node], firstChild[node + 1]);
  }
  return parents;
}

/**
 * Compares sequences number by number: below 0 if a comes first.
 * @param {number[]} a
 * @param {number[]} b
 */
export function compare(a, b) {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
