"""What a worker process does: it answers requests about recordings and streams, one at a time.

A recording is transcribed step by step: each `NextStep` transcribes one segment. So it can be given
up between two steps, and its segments can be sent to the client as they are done.
"""

import shutil
import signal
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from speechlstm.audio import silence_codecs
from speechlstm.bundle import default_bundle, find_bundle
from speechlstm.config import HotWord
from speechlstm.errors import AlphabetError, ConfigError, quoted
from speechlstm.parallel.worker import call_when_parent_ends
from speechlstm.recognizer import Recognizer
from speechlstm.server.live import LiveStream
from speechlstm.server.recordings import steps
from speechlstm.server.requests import (
    Close,
    Describe,
    Feed,
    Finish,
    Model,
    NextStep,
    OpenRecording,
    OpenStream,
    Step,
)
from speechlstm.text.normalize import normalize
from speechlstm.text.phrases import UNKNOWN, Phrase

# Options of `Recognizer.load` that a closed grammar does not replace.
_NOT_SEARCH = ("readable", "reject_non_speech", "beam_width", "num_hypotheses")


class Service:
    """Answers requests, in a worker process.

    Args:
        bundle: As in `Recognizer.load`.
        options: The arguments of `Recognizer.load`.
    """

    def __init__(self, bundle: Path | None, options: dict[str, Any]) -> None:
        self._bundle, self._options = bundle, options
        self._recognizer = Recognizer.load(bundle, **options)
        # Two, so that a client that sends several recordings with its words loads them once.
        self._with_hot_words = lru_cache(maxsize=2)(self._load_hot_words)
        self._with_phrases = lru_cache(maxsize=2)(self._load_phrases)
        self._recordings: dict[int, Iterator[Step]] = {}
        self._streams: dict[int, LiveStream] = {}

    def __call__(self, request: object) -> Any:
        """The answer to a request; raises SpeechLSTMError if that is not possible."""
        match request:
            case Describe():
                return self._describe()
            case OpenRecording():
                recognizer = self._with_hints(request.hot_words, request.hints)
                self._recordings[request.key] = steps(recognizer, request)
                return None
            case NextStep():
                return next(self._recordings[request.key])
            case OpenStream():
                recognizer = self._with_phrases(request.phrases)
                self._streams[request.key] = LiveStream(recognizer, request)
                return None
            case Feed():
                return self._streams[request.key].feed(request.pcm)
            case Finish():
                return self._streams[request.key].finish()
            case Close():
                self._recordings.pop(request.key, None)
                self._streams.pop(request.key, None)
                return None
        raise TypeError(f"{request!r:.80} is no request")

    def _describe(self) -> Model:
        recognizer, path = self._recognizer, find_bundle(self._bundle)
        is_english = self._bundle is None or path.resolve() == default_bundle().resolve()
        return Model(
            path.resolve().stem if path.suffix == ".tflite" else path.resolve().name,
            "en" if is_english else None,
            recognizer.model.sample_rate,
            recognizer.writer is not None,
        )

    def _with_hints(self, hot_words: tuple[str, ...], hints: tuple[str, ...]) -> Recognizer:
        # Clients send prompts without knowing how this server decodes: they must not fail for it.
        if self._options.get("greedy") or self._options.get("phrases"):
            hints = ()
        return self._with_hot_words((*hot_words, *filter(self._is_hot_word, hints)))

    def _is_hot_word(self, phrase: str) -> bool:
        try:
            HotWord(phrase)
        except ConfigError:
            return False
        return self._is_spellable(normalize(phrase))

    def _is_spellable(self, text: str) -> bool:
        try:
            self._recognizer.model.characters.alphabet.encode(text)
        except AlphabetError:
            return False
        return bool(text)

    def _load_hot_words(self, phrases: tuple[str, ...]) -> Recognizer:
        if not phrases:
            return self._recognizer
        given = self._options.get("hot_words") or ()
        words = (*given, *(HotWord(phrase) for phrase in phrases))
        return Recognizer.load(self._bundle, **{**self._options, "hot_words": words})

    def _load_phrases(self, texts: tuple[str, ...]) -> Recognizer:
        if not texts:
            return self._recognizer
        given = dict.fromkeys(Phrase(text) for text in texts)
        phrases = [p for p in given if p.text == UNKNOWN or self._is_spellable(p.text)]
        if all(phrase.text == UNKNOWN for phrase in phrases):
            reason = f"the model can spell none of its phrases: {quoted(', '.join(texts))}"
            raise ConfigError(f"phrase_list: {reason}")
        options = {key: self._options[key] for key in _NOT_SEARCH if key in self._options}
        return Recognizer.load(self._bundle, phrases=phrases, **options)


def load_service(folder: Path, bundle: Path | None, options: dict[str, Any]) -> Service:
    """Start a worker process; the other arguments are those of `Service`.

    Args:
        folder: The folder of uploads. It is deleted if the server is killed.
    """
    # Whoever ends the server by a signal to all its processes still wants the running requests to
    # end well: the server ends its workers itself.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    call_when_parent_ends(partial(shutil.rmtree, folder, ignore_errors=True))
    silence_codecs()
    return Service(bundle, options)
