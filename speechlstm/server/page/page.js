// The page: files and the microphone become transcripts.

import { model, openStream, Problem, transcribe } from "./client.js";
import { Peaks } from "./lane.js";
import { Microphone } from "./microphone.js";
import { clock, Take } from "./take.js";

const PEAK_RATE = 8000; // Hz: enough for a picture, and a sixth of the memory
const MAX_PICTURED_BYTES = 300e6; // larger files get no waveform: decoded, they would fill the memory

const drop = document.querySelector("#drop");
const files = document.querySelector("#files");
const record = document.querySelector("#record");
const waiting = [];
let isWorking = false;
let recording = null;

function complain(message) {
  const problem = document.querySelector("#problem");
  problem.hidden = !message;
  problem.textContent = message;
}

/** For screen readers. */
function announce(words) {
  document.querySelector("#spoken").textContent = words.map((word) => word.text).join(" ");
}

// Files: one after the other, so that the first one is done first.

function add(file) {
  const abort = { controller: null, isGivenUp: false };
  const take = new Take(file.name, {
    onStop: () => {
      abort.isGivenUp = true;
      abort.controller?.abort();
      if (!abort.controller) {
        take.say("Stopped");
        take.end({ canRetry: true });
      }
    },
    onAgain: () => enqueue(file, take, abort),
  });
  take.setSound(file);
  picture(file, take);
  enqueue(file, take, abort);
}

function enqueue(file, take, abort) {
  abort.isGivenUp = false;
  take.begin();
  take.say("Waiting");
  take.progress(null);
  waiting.push(() => (abort.isGivenUp ? null : work(file, take, abort)));
  workOn();
}

async function workOn() {
  if (isWorking) return;
  isWorking = true;
  while (waiting.length) await waiting.shift()();
  isWorking = false;
}

async function work(file, take, abort) {
  abort.controller = new AbortController();
  take.say("Listening");
  take.setFinalWords([]);
  try {
    for await (const event of transcribe(file, abort.controller.signal)) {
      if (event.isLast) {
        take.setFinalWords(event.words);
        take.say(`${clock(event.duration)}, ${event.words.length ? "done" : "no words found"}`);
        take.end({ formats: event.formats, problem: event.warning ? `The file ${event.warning}` : "" });
        announce(event.words);
      } else {
        take.addWords(event.words);
        const { duration } = take.lane;
        take.progress(duration > event.end ? event.end / duration : null);
      }
    }
  } catch (error) {
    if (error.name !== "AbortError" && !(error instanceof Problem)) throw error;
    const isStopped = error.name === "AbortError";
    take.say(isStopped ? "Stopped" : "Not done");
    take.end({ problem: isStopped ? "" : error.message, canRetry: true });
  } finally {
    abort.controller = null;
  }
}

/** Draws the waveform of a file, if the browser can decode it. */
async function picture(file, take) {
  if (file.size > MAX_PICTURED_BYTES) return;
  try {
    const context = new OfflineAudioContext(1, 1, PEAK_RATE);
    const sound = await context.decodeAudioData(await file.arrayBuffer());
    const peaks = new Peaks(PEAK_RATE);
    peaks.add(sound.getChannelData(0));
    take.lane.setPeaks(peaks);
  } catch {
    // The server reads more formats than browsers do: words without a waveform.
  }
}

// The microphone.

async function startRecording() {
  complain("");
  record.disabled = true;
  try {
    await model(); // asks for the token, and whether there is a server, before the microphone runs
    recording = await newRecording();
    showRecording(true);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    complain(error.message);
  } finally {
    record.disabled = false;
  }
}

async function newRecording() {
  let isReady = false;
  const early = []; // blocks that come before the server is ready
  const microphone = await Microphone.open(
    (block) => {
      peaks.add(Float32Array.from(block, (sample) => sample / 32768));
      take.lane.setPeaks(peaks);
      take.lane.revealEnd();
      take.setClock(peaks.seconds);
      if (isReady) stream.send(block);
      else early.push(block);
    },
    () => end("The microphone has gone. What was heard before is kept."),
  );
  const peaks = new Peaks(microphone.sampleRate);
  const time = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const take = new Take(`Recording ${time.replaceAll(":", ".")}`, { onStop: stop, onAgain: () => {} });
  take.begin();
  take.say("Listening");
  const end = (problem, formats = null) => {
    microphone.close();
    take.setSound(microphone.recording());
    take.say(`${clock(peaks.seconds)}, ${problem ? "not finished" : "done"}`);
    take.end({ formats, problem });
    recording = null;
    showRecording(false);
  };
  const stream = openStream(microphone.sampleRate, {
    ready: () => {
      isReady = true;
      early.splice(0).forEach((block) => stream.send(block));
    },
    partial: (words) => take.setOpenWords(words),
    final: (words) => {
      take.addWords(words);
      announce(words);
    },
    end: (formats) => end("", formats),
    failed: (message) => end(message),
  });
  function stop() {
    microphone.close();
    take.say("Finishing");
    stream.end();
  }
  return { stop };
}

function showRecording(isOn) {
  record.setAttribute("aria-pressed", String(isOn));
  document.querySelector("#record-label").textContent = isOn ? "Stop" : "Record";
  document.querySelector("#record-hint").textContent = isOn ? "recording" : "from the microphone";
}

record.addEventListener("click", () => (recording ? recording.stop() : startRecording()));

files.addEventListener("change", () => {
  for (const file of files.files) add(file);
  files.value = "";
});

for (const name of ["dragenter", "dragover"]) {
  addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  for (const file of event.dataTransfer.files) add(file);
});

model().then(
  ({ id }) => {
    document.querySelector("#model").textContent = `model ${id}`;
  },
  (error) => complain(error.message),
);
