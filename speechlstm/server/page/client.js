// The server, as the page calls it: recordings by server-sent events, the microphone by WebSocket.

const FORMATS = ["text", "srt", "vtt", "json"];
const GONE = "The server cannot be reached. Is speechlstm serve still running?";

/** What went wrong, in one line that can be shown. */
export class Problem extends Error {}

const storedToken = () => sessionStorage.getItem("token") ?? "";

function headers() {
  const token = storedToken();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** Calls the server, and asks for the token where one is needed. */
async function call(path, options = {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, { ...options, headers: headers() });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(GONE);
    }
    if (response.ok) return response;
    const body = await response.json().catch(() => null);
    if (response.status === 401 && (await askForToken())) continue;
    throw new Problem(body?.error?.message ?? `The server answers with status ${response.status}.`);
  }
}

/** Whether the user has given a token. */
function askForToken() {
  const dialog = document.querySelector("#token-dialog");
  const input = dialog.querySelector("input");
  input.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const isGiven = dialog.returnValue === "ok" && input.value !== "";
      if (isGiven) sessionStorage.setItem("token", input.value.trim());
      resolve(isGiven);
    }, { once: true });
  });
}

/** The model of the server: id, language, sample_rate, readable. */
export async function model() {
  return (await (await call("/v1/models")).json()).data[0];
}

/** Transcribes a file; yields {words, end} for each segment, then {words, duration, formats}. */
export async function* transcribe(file, signal) {
  const form = new FormData();
  form.append("stream", "true");
  form.append("timestamp_granularities[]", "word");
  for (const format of FORMATS) form.append("formats[]", format);
  form.append("file", file, file.name);
  const response = await call("/v1/audio/transcriptions", { method: "POST", body: form, signal });
  for await (const event of events(response.body)) {
    if (event.error) throw new Problem(event.error.message);
    yield { ...event, words: event.tokens, isLast: event.type === "transcript.text.done" };
    if (event.type === "transcript.text.done") return;
  }
  throw new Problem(GONE);
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    let piece;
    try {
      piece = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(GONE);
    }
    if (piece.done) return;
    const lines = (text + piece.value).split("\n\n");
    text = lines.pop();
    for (const line of lines) yield JSON.parse(line.replace(/^data: /, ""));
  }
}

/**
 * Opens a live stream. The handlers: ready(), partial(words), final(words), end(formats) and
 * failed(message), the last of which ends it too.
 */
export function openStream(sampleRate, handlers) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const query = new URLSearchParams({ sample_rate: sampleRate });
  for (const format of FORMATS) query.append("formats", format);
  const protocols = ["speechlstm.stream"];
  if (storedToken()) protocols.push(`bearer.${base64url(storedToken())}`);
  const socket = new WebSocket(`${scheme}//${location.host}/v1/stream?${query}`, protocols);
  let isDone = false;
  const finish = (name, value) => {
    if (!isDone) handlers[name](value);
    isDone = true;
  };
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === "ready") handlers.ready();
    if (event.type === "partial") handlers.partial(event.words);
    if (event.type === "final") handlers.final(pieces(event));
    if (event.type === "end") finish("end", event.formats);
    if (event.type === "error") finish("failed", event.error.message);
  };
  socket.onclose = () => finish("failed", GONE);
  return {
    send: (samples) => socket.readyState === WebSocket.OPEN && socket.send(samples),
    end: () => socket.readyState === WebSocket.OPEN && socket.send('{"type": "end"}'),
  };
}

/** The readable text of a final event, piece by piece; its words if there is none. */
function pieces({ words, tokens }) {
  if (!tokens) return words;
  return tokens.map((token) => {
    const own = token.words.map((index) => words[index]);
    return {
      text: token.text,
      start: own[0].start,
      end: own.at(-1).end,
      confidence: Math.min(...own.map((word) => word.confidence)),
    };
  });
}

function base64url(text) {
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
