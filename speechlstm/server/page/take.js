// One transcript on the page: its waveform, its words, its sound and its downloads.

import { certainty, Lane } from "./lane.js";

const DOWNLOADS = { text: ["Text", "txt", "text/plain"], srt: ["SRT", "srt", "application/x-subrip"],
  vtt: ["VTT", "vtt", "text/vtt"], json: ["JSON", "json", "application/json"] };

export class Take {
  /** onStop() is called when the user stops it, onAgain() when it shall be tried again. */
  constructor(name, { onStop, onAgain }) {
    const copy = document.querySelector("#take").content.cloneNode(true);
    this.root = copy.querySelector(".take");
    this.name = name;
    this.final = [];
    this.open = [];
    this.formats = null;
    this.audio = new Audio();
    this.part("h2").textContent = name;
    this.lane = new Lane(this.part(".lane"), (seconds) => this.playFrom(seconds));
    this.part(".stop").addEventListener("click", onStop);
    this.part(".again").addEventListener("click", onAgain);
    this.part(".remove").addEventListener("click", () => this.remove());
    this.part(".play").addEventListener("click", () => this.toggle());
    this.part(".text").addEventListener("click", (event) => this.onWord(event));
    this.part(".text").addEventListener("keydown", (event) => this.onKey(event));
    for (const event of ["play", "pause", "ended"]) {
      this.audio.addEventListener(event, () => this.onPlayback());
    }
    this.audio.addEventListener("error", () => this.setPlayable(false));
    this.addDownloads();
    document.querySelector("#takes").prepend(this.root);
    document.querySelector("#empty").hidden = true;
  }

  part(selector) {
    return this.root.querySelector(selector);
  }

  say(state) {
    this.part(".state").textContent = state;
  }

  /** 0..1, or null: not known. */
  progress(share) {
    const bar = this.part("progress");
    bar.hidden = false;
    if (share === null) bar.removeAttribute("value");
    else bar.value = share;
  }

  addWords(words) {
    this.final.push(...words);
    this.open = [];
    this.showWords();
  }

  setOpenWords(words) {
    this.open = words.map((word) => ({ ...word, isOpen: true }));
    this.showWords();
  }

  setFinalWords(words) {
    this.final = words;
    this.open = [];
    this.showWords();
  }

  showWords() {
    const words = [...this.final, ...this.open];
    this.lane.setWords(words);
    const text = this.part(".text");
    const focused = [...text.children].indexOf(document.activeElement);
    const buttons = words.map((word, place) => this.wordButton(word, place === Math.max(focused, 0)));
    text.replaceChildren(...buttons.flatMap((button) => [button, " "]));
    if (focused >= 0) buttons[Math.min(focused, buttons.length - 1)]?.focus();
    this.enableDownloads();
  }

  wordButton(word, isReachable) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = word.text;
    button.tabIndex = isReachable ? 0 : -1; // arrow keys reach the others
    button.title = `${clock(word.start)}, ${Math.round(100 * word.confidence)} % sure`;
    button.dataset.start = word.start;
    button.dataset.end = word.end;
    button.classList.toggle("open", Boolean(word.isOpen));
    button.classList.toggle("unsure", word.confidence < 0.6);
    button.style.setProperty("--certainty", certainty(word.confidence));
    return button;
  }

  onWord(event) {
    const button = event.target.closest("button");
    if (button) this.playFrom(Number(button.dataset.start));
  }

  onKey(event) {
    const words = [...this.part(".text").children];
    const place = words.indexOf(event.target);
    const last = words.length - 1;
    const next = { ArrowRight: place + 1, ArrowDown: place + 1, ArrowLeft: place - 1,
      ArrowUp: place - 1, Home: 0, End: last }[event.key];
    if (next === undefined || place < 0) return;
    event.preventDefault();
    const chosen = words[Math.min(Math.max(next, 0), last)];
    event.target.tabIndex = -1;
    chosen.tabIndex = 0;
    chosen.focus();
    this.lane.reveal(Number(chosen.dataset.start));
  }

  setSound(blob) {
    this.audio.src = URL.createObjectURL(blob);
    this.setPlayable(true);
  }

  setPlayable(isPlayable) {
    const play = this.part(".play");
    play.disabled = !isPlayable;
    play.title = isPlayable ? "" : "This browser cannot play the format of this file";
  }

  toggle() {
    if (this.audio.paused) this.audio.play().catch(() => this.setPlayable(false));
    else this.audio.pause();
  }

  playFrom(seconds) {
    if (this.part(".play").disabled) return;
    this.audio.currentTime = seconds;
    this.audio.play().catch(() => this.setPlayable(false));
  }

  onPlayback() {
    this.part(".play").textContent = this.audio.paused ? "Play" : "Pause";
    if (!this.audio.paused) requestAnimationFrame(() => this.follow());
  }

  follow() {
    const now = this.audio.currentTime;
    this.lane.setPosition(this.audio.ended ? null : now);
    this.setClock(now);
    for (const button of this.part(".text").children) {
      const isNow = Number(button.dataset.start) <= now && now < Number(button.dataset.end);
      button.classList.toggle("now", isNow && !this.audio.ended);
    }
    if (!this.audio.paused) requestAnimationFrame(() => this.follow());
  }

  setClock(seconds) {
    this.part(".clock").textContent = clock(seconds);
  }

  addDownloads() {
    for (const [format, [label]] of Object.entries(DOWNLOADS)) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.dataset.format = format;
      button.setAttribute("aria-label", `Download ${label}`);
      button.disabled = true;
      button.addEventListener("click", () => this.download(format));
      this.part(".downloads").append(button);
    }
  }

  enableDownloads() {
    const isOver = this.part(".stop").hidden;
    for (const button of this.part(".downloads").children) {
      const isPossible = this.formats || ["text", "json"].includes(button.dataset.format);
      button.disabled = !(isOver && isPossible && (this.formats || this.final.length + this.open.length));
    }
  }

  /** The server writes all formats; of what it could not finish, the page knows words and times. */
  content(format) {
    if (this.formats) return this.formats[format];
    const words = [...this.final, ...this.open].map(({ text, start, end, confidence }) =>
      ({ text, start, end, confidence }));
    const text = words.map((word) => word.text).join(" ");
    return format === "text" ? `${text}\n` : `${JSON.stringify({ file: this.name, text, words })}\n`;
  }

  download(format) {
    const [, suffix, type] = DOWNLOADS[format];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.content(format)], { type }));
    link.download = `${this.name.replace(/\.[^.]+$/, "")}.${suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  begin() {
    this.part(".stop").hidden = false;
    this.part(".again").hidden = true;
    this.part(".remove").hidden = true;
    this.part(".problem").hidden = true;
  }

  end({ formats = null, problem = "", canRetry = false } = {}) {
    this.formats = formats;
    this.part("progress").hidden = true;
    this.part(".stop").hidden = true;
    this.part(".remove").hidden = false;
    this.part(".again").hidden = !canRetry;
    this.part(".problem").hidden = !problem;
    this.part(".problem").textContent = problem;
    this.showWords();
  }

  remove() {
    this.audio.pause();
    URL.revokeObjectURL(this.audio.src);
    this.root.remove();
    document.querySelector("#empty").hidden = Boolean(document.querySelector(".take"));
    document.querySelector("#files").focus();
  }
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  const rest = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}
