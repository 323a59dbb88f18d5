/** The page: a recording or the microphone in, words out. The recogniser is in worker.js. */

import {decodeAudio, openMicrophone} from './speechlstm/speechlstm.js';

const UNSURE = 0.5; // words of lower confidence are underlined

/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);
const {body} = document;

/** Shows what is going on. @param {string} text */
function say(text) {
  byId('status').textContent = text;
}

/** Shows an error in one line; an empty one hides it. @param {string} message */
function warn(message) {
  byId('error').textContent = message;
  byId('error').hidden = !message;
}

/** A worker that is asked for one thing after another. */
class Recogniser {
  /** @param {(events: any[]) => void} onEvents */
  constructor(onEvents) {
    this.worker = new Worker('worker.js');
    this.sampleRate = 0;
    /** @type {Map<string, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.worker.onmessage = ({data}) => {
      if (data.type === 'events') onEvents(data.events);
      else if (data.type === 'progress') byId('progress').value = data.share;
      else this.answered(data);
    };
    this.worker.onerror = (event) => {
      this.answered({type: 'failed', message: event.message || 'the worker cannot be started'});
    };
  }

  /** @param {any} data */
  answered({type, message, ...answer}) {
    if (type === 'failed' && !this.waiting.size) warn(message); // while it was listening
    for (const [name, {resolve, reject}] of this.waiting) {
      if (type !== 'failed' && type !== name) continue;
      this.waiting.delete(name);
      if (type === 'failed') reject(new Error(message));
      else resolve(answer);
    }
  }

  /**
   * Sends a request whose answer has the same type.
   * @param {string} type
   * @param {object} [values]
   * @returns {Promise<any>}
   */
  ask(type, values = {}) {
    return new Promise((resolve, reject) => {
      this.waiting.set(type, {resolve, reject});
      this.worker.postMessage({type, ...values});
    });
  }

  /** @param {Float32Array} samples */
  feed(samples) {
    this.worker.postMessage({type: 'feed', samples}, [samples.buffer]);
  }
}

/** A transcript on the page. */
class Card {
  /** @param {string} title */
  constructor(title) {
    const copy = byId('transcript').content.cloneNode(true);
    [this.article] = copy.children;
    this.part('h2').textContent = title;
    this.part('.copy').onclick = () => navigator.clipboard?.writeText(this.text());
    byId('transcripts').prepend(copy);
  }

  /** @param {string} selector @returns {any} */
  part(selector) {
    return this.article.querySelector(selector);
  }

  text() {
    return this.part('.text').textContent.trim();
  }

  /** @param {Blob} blob */
  play(blob) {
    this.part('audio').src = URL.createObjectURL(blob);
  }

  /**
   * Shows words; clicking one plays the recording from there.
   * @param {any[]} words
   * @param {any[]} [partial] Words that may change.
   */
  show(words, partial = []) {
    const spans = [...words, ...partial].map((word, i) => {
      const span = document.createElement('span');
      span.textContent = word.text;
      span.className = i < words.length ? 'word' : 'partial';
      span.classList.toggle('unsure', i < words.length && word.confidence < UNSURE);
      span.title = `${word.start.toFixed(2)} to ${word.end.toFixed(2)} s`;
      span.onclick = () => {
        const audio = this.part('audio');
        if (!audio.src) return;
        audio.currentTime = word.start;
        audio.play();
      };
      return span;
    });
    this.part('.text').replaceChildren(...spans.flatMap((span) => [span, ' ']));
  }

  /** Says that there were no words. */
  showNone() {
    this.part('.text').innerHTML = '<span class="none">No words heard.</span>';
  }
}

/** @type {{card: Card, words: any[], microphone: any, media: MediaRecorder | null} | null} */
let session = null;

await keepOffline().catch(() => {}); // first, so that the worker's files are kept, too

const recogniser = new Recogniser((events) => {
  if (!session) return;
  let partial = [];
  for (const event of events) {
    if (event.type === 'final') session.words.push(...event.words);
    partial = event.type === 'partial' ? event.words : [];
  }
  session.card.show(session.words, partial);
});

/** Does one thing at a time, and shows what fails. @param {() => Promise<void>} task */
async function guarded(task) {
  warn('');
  enable(false);
  try {
    await task();
  } catch (error) {
    say('');
    warn(error instanceof Error ? error.message : String(error));
  }
  enable(true);
}

let current = '{}'; // the options that the recogniser has now

/** Tells the recogniser which words to expect, if that is new. */
async function expectWords() {
  const {value: kind} = body.querySelector('[name=kind]:checked');
  const lines = byId('list').value.split('\n').map((line) => line.trim()).filter(Boolean);
  const options = kind === 'any' ? {} : {[kind]: lines};
  const wanted = JSON.stringify(options);
  if (wanted === current) return;
  await recogniser.ask('change', {options});
  current = wanted;
}

/** @param {boolean} isReady */
function enable(isReady) {
  byId('record').disabled = !(isReady && recogniser.sampleRate);
  byId('file').disabled = byId('record').disabled || session !== null;
  byId('words').disabled = byId('file').disabled;
  body.classList.toggle('loading', byId('file').disabled);
}

/** @param {File} file */
async function heard(file) {
  const samples = await decodeAudio(file, recogniser.sampleRate);
  return recogniser.ask('transcribe', {samples});
}

/** @param {File} file */
async function transcribe(file) {
  await expectWords();
  say(`Hearing ${file.name} …`);
  const started = performance.now();
  const {words, duration} = await heard(file).catch((error) => {
    throw new Error(`${file.name}: ${error.message}`);
  });
  const card = new Card(file.name);
  card.play(file);
  if (words.length) card.show(words);
  else card.showNone();
  const seconds = (performance.now() - started) / 1000;
  say(`${duration.toFixed(1)} s of sound in ${seconds.toFixed(1)} s.`);
}

async function record() {
  await expectWords();
  await recogniser.ask('start');
  const microphone = await openMicrophone((samples) => recogniser.feed(samples));
  recogniser.worker.postMessage({type: 'rate', sampleRate: microphone.sampleRate});
  session = {card: new Card(new Date().toLocaleTimeString()), words: [], microphone, media: null};
  byId('record').classList.add('recording');
  byId('record-label').textContent = 'Stop';
  say('Listening …');
}

async function stopRecording() {
  if (!session) return;
  const {card, words, microphone} = session;
  byId('record').classList.remove('recording');
  byId('record-label').textContent = 'Speak';
  say('Hearing the rest …');
  try {
    await microphone.close();
    const {wave} = await recogniser.ask('finish');
    card.play(new Blob([wave], {type: 'audio/wav'}));
    if (!words.length) card.showNone();
  } finally {
    session = null; // also after an error, or nothing could be begun any more
  }
  say('');
}

byId('list').oninput = () => {
  const any = body.querySelector('[value=any]');
  if (any.checked && byId('list').value.trim()) body.querySelector('[value=hotWords]').checked = true;
};
byId('record').onclick = () =>
  guarded(async () => {
    await (session ? stopRecording() : record());
  });
byId('file').onchange = () => {
  const [file] = byId('file').files;
  byId('file').value = '';
  if (file) guarded(() => transcribe(file));
};
body.ondragover = (event) => {
  event.preventDefault();
  body.classList.add('over');
};
body.ondragleave = () => body.classList.remove('over');
body.ondrop = (event) => {
  event.preventDefault();
  body.classList.remove('over');
  const file = event.dataTransfer?.files[0];
  if (file && !byId('file').disabled) guarded(() => transcribe(file));
};

/** Keeps all files for when there is no connection. Without https there are no service workers. */
async function keepOffline() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register('service_worker.js');
  if (navigator.serviceWorker.controller) return;
  await new Promise((resolve) => {
    navigator.serviceWorker.addEventListener('controllerchange', resolve, {once: true});
    setTimeout(resolve, 3000);
  });
}

await guarded(async () => {
  const {sampleRate} = await recogniser.ask('load');
  recogniser.sampleRate = sampleRate;
  const isKept = Boolean(navigator.serviceWorker?.controller);
  say(isKept ? 'Ready. It works without a connection from now on.' : 'Ready.');
});
byId('progress').hidden = true;
