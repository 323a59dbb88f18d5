// A waveform with words over it, of any length: only what can be seen is drawn.

const PEAKS_PER_SECOND = 100;
const MIN_PIXELS_PER_SECOND = 150;
const MAX_PIXELS_PER_SECOND = 420;
const ROWS = 2; // words that would overlap stand below each other
const ROW_HEIGHT = 23;
const GAP = 4;

/** 0..1: how sure a word looks; below 0.4 all look the same, as do those above 0.95. */
export const certainty = (confidence) => Math.min(1, Math.max(0, (confidence - 0.4) / 0.55));

/** The loudest sample of each hundredth of a second, as numbers in 0..1. */
export class Peaks {
  constructor(sampleRate) {
    this.values = [];
    this.step = sampleRate / PEAKS_PER_SECOND;
    this.numSamples = 0;
  }

  add(samples) {
    for (const sample of samples) {
      const place = Math.floor(this.numSamples++ / this.step);
      this.values[place] = Math.max(this.values[place] ?? 0, Math.abs(sample));
    }
  }

  get seconds() {
    return this.numSamples / (this.step * PEAKS_PER_SECOND);
  }
}

export class Lane {
  /** onSeek(seconds) is called when somebody clicks. */
  constructor(root, onSeek) {
    this.canvas = root.querySelector("canvas");
    this.scroll = root.querySelector(".scroll");
    this.strip = root.querySelector(".strip");
    this.words = [];
    this.peaks = null;
    this.duration = 0;
    this.position = null; // seconds of the playhead
    this.isDrawn = false;
    this.pen = this.canvas.getContext("2d");
    this.scroll.addEventListener("scroll", () => this.redraw());
    this.strip.addEventListener("click", (event) => {
      const word = event.target.closest("span");
      const left = this.strip.getBoundingClientRect().left;
      onSeek(word ? Number(word.dataset.start) : (event.clientX - left) / this.scale);
    });
    new ResizeObserver(() => this.redraw()).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  get scale() {
    const fitting = this.scroll.clientWidth / Math.max(this.duration, 0.1);
    return Math.min(MAX_PIXELS_PER_SECOND, Math.max(MIN_PIXELS_PER_SECOND, fitting));
  }

  /** Takes words {text, start, end, confidence, isOpen} in the order of time. */
  setWords(words) {
    this.words = words;
    this.duration = Math.max(this.duration, words.at(-1)?.end ?? 0);
    this.redraw();
  }

  setPeaks(peaks) {
    this.peaks = peaks;
    this.duration = Math.max(this.duration, peaks.seconds);
    this.redraw();
  }

  setPosition(seconds) {
    this.position = seconds;
    if (seconds !== null) this.reveal(seconds);
    this.redraw();
  }

  /** Scrolls so that a moment can be seen. */
  reveal(seconds) {
    const x = seconds * this.scale;
    const { scrollLeft, clientWidth } = this.scroll;
    if (x < scrollLeft || x > scrollLeft + clientWidth * 0.9) {
      this.scroll.scrollLeft = x - clientWidth * 0.15;
    }
  }

  revealEnd() {
    this.scroll.scrollLeft = this.duration * this.scale;
  }

  redraw() {
    if (this.isDrawn) return;
    this.isDrawn = true;
    requestAnimationFrame(() => {
      this.isDrawn = false;
      this.strip.style.width = `${Math.ceil(this.duration * this.scale)}px`;
      const from = this.scroll.scrollLeft / this.scale;
      const to = from + this.scroll.clientWidth / this.scale;
      this.drawWaveform(from, to);
      this.placeWords(from, to);
    });
  }

  drawWaveform(from, to) {
    const { canvas, pen, scale } = this;
    const density = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = width * density;
    canvas.height = height * density;
    pen.scale(density, density);
    const style = getComputedStyle(canvas);
    const top = ROWS * ROW_HEIGHT + 4;
    const middle = (top + height - 14) / 2;
    const half = middle - top;
    pen.fillStyle = style.getPropertyValue("--line");
    pen.fillRect(0, middle - 0.5, width, 1);
    const last = Math.min(to, this.duration) * PEAKS_PER_SECOND;
    const bar = Math.max(1.5, (scale / PEAKS_PER_SECOND) * 0.62);
    const loudest = Math.max(0.05, this.loudest());
    let next = 0;
    for (let place = Math.floor(from * PEAKS_PER_SECOND); place < last; place++) {
      const time = place / PEAKS_PER_SECOND;
      while (next < this.words.length && this.words[next].end < time) next++;
      const word = this.words[next];
      const isSpoken = word && word.start <= time;
      pen.fillStyle = isSpoken ? this.colour(style, word.confidence) : style.getPropertyValue("--wave");
      const size = Math.max(1, (half * (this.peaks?.values[place] ?? 0)) / loudest);
      pen.fillRect((time - from) * scale, middle - size, bar, 2 * size);
    }
    if (this.position !== null) {
      pen.fillStyle = style.getPropertyValue("--accent");
      pen.fillRect((this.position - from) * scale, 0, 2, height - 12);
    }
  }

  loudest() {
    const values = this.peaks?.values ?? [];
    let loudest = 0;
    for (let place = 0; place < values.length; place++) loudest = Math.max(loudest, values[place] ?? 0);
    return loudest;
  }

  colour(style, confidence) {
    const share = Math.round(100 * certainty(confidence));
    const sure = style.getPropertyValue("--sure");
    return `color-mix(in oklab, ${sure} ${share}%, ${style.getPropertyValue("--unsure")})`;
  }

  placeWords(from, to) {
    const ends = Array(ROWS).fill(-Infinity);
    this.pen.font = getComputedStyle(this.strip).font;
    const placed = [];
    for (const word of this.words) {
      const x = word.start * this.scale;
      const width = this.pen.measureText(word.text).width + 10;
      const free = ends.findIndex((end) => end + GAP <= x);
      const row = free < 0 ? ends.indexOf(Math.min(...ends)) : free;
      ends[row] = x + width;
      if (word.end < from - 1 || word.start > to) continue;
      const label = document.createElement("span");
      label.textContent = word.text;
      label.dataset.start = word.start;
      label.className = word.isOpen ? "open" : "";
      const { position } = this;
      if (position !== null && word.start <= position && position < word.end) label.classList.add("now");
      label.style.left = `${x}px`;
      label.style.top = `${row * ROW_HEIGHT}px`;
      label.style.setProperty("--certainty", certainty(word.confidence));
      placed.push(label);
    }
    this.strip.replaceChildren(...placed);
  }
}
