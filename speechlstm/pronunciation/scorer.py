"""`PronunciationScorer`: scores how a known text is pronounced."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import AcousticModel, LiteRTAcousticModel
from speechlstm.arguments import StrPath
from speechlstm.audio import Audio, Piece, read_audio
from speechlstm.bundle import find_bundle, read_bundle
from speechlstm.decoding.alignment import align
from speechlstm.decoding.goodness import goodness
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.likelihood import text_log_prob
from speechlstm.decoding.timed_words import frame_times
from speechlstm.errors import AlphabetError, BundleError, DataError, quoted
from speechlstm.pronunciation.scores import Pronunciation, ScoredPhone, ScoredWord
from speechlstm.text.alphabet import BLANK
from speechlstm.text.g2p import G2PModel
from speechlstm.text.written import WrittenWord, read_written

MAX_SECONDS = 60.0

Ways = list[tuple[int, ...]]  # the pronunciations of a word as labels, at least one


class PronunciationScorer:
    """Scores how well each phone of a text is pronounced. Threads may share one.

    >>> scorer = PronunciationScorer.load()
    >>> found = scorer.score_file("data/samples/zip.wav", "One eight zero zero five.")
    >>> [word.text for word in found.words if word.score < 0.5]
    []
    >>> wrong = scorer.score_file("data/samples/zip.wav", "One eight zero zero nine.")
    >>> [word.text for word in wrong.words if word.score < 0.5]
    ['nine.']

    Args:
        model: Computes the log-probabilities of phones.
        g2p: Predicts those of other words; None: nothing does.
    """

    def __init__(
        self, model: AcousticModel, lexicon: LexiconTree, g2p: Callable[[str], Sequence[str]] | None
    ) -> None:
        self._model, self._lexicon, self._g2p = model, lexicon, g2p

    @classmethod
    def load(cls, bundle: StrPath | None = None) -> "PronunciationScorer":
        """Load a scorer from a bundle.

        Args:
            bundle: "english" or None: the model in this package; or a folder.

        Raises:
            BundleError: The bundle is missing or damaged, or has no phones or no lexicon.
        """
        contents = read_bundle(find_bundle(bundle))
        phones, decoder = contents.acoustic.phones, contents.decoder
        if not phones or not decoder.lexicon:
            raise BundleError(
                contents.path, "has no phones: train it with --lexicon, and add it with tune"
            )
        g2p = G2PModel(decoder.g2p).pronounce if decoder.g2p else None
        model = LiteRTAcousticModel(contents, phones=True)
        return cls(model, LexiconTree.load(decoder.lexicon, phones), g2p)

    def score_file(
        self,
        path: StrPath | Piece,
        text: str,
        channel: int | None = None,
        raw_rate: int | None = None,
    ) -> Pronunciation:
        """Score the pronunciation of a recording.

        Args:
            path: The recording, of at most MAX_SECONDS.
            text: Everything that should be said in it.
            channel: The number of the channel, counted from 1; None: the mean of all.
            raw_rate: As in `Recognizer.transcribe_file`.

        Raises:
            DataError: The recording cannot be used, or the text has no word, or one without a
                pronunciation, or is too long for the recording.
        """
        source = path if isinstance(path, Piece) else Path(path)
        audio = read_audio(source, self._model.sample_rate, channel, raw_rate)
        return self.score(audio, text, str(source))

    def score(self, audio: Audio, text: str, where: str = "audio") -> Pronunciation:
        """Score the pronunciation of a waveform; see score_file.

        Args:
            audio: The waveform, of any sample rate.
            text: Everything that should be said in it.
            where: The name of the recording, for errors.

        Raises:
            DataError: As in score_file.
        """
        if audio.duration > MAX_SECONDS:
            raise DataError(
                f"{where}: lasts {audio.duration:.0f} s; pronunciations are scored in recordings "
                f"of at most {MAX_SECONDS:g} s: cut it, for example by speechlstm align"
            )
        words = [word for line in read_written(text) for word in line.words]
        if not words:
            raise DataError(f"{where}: the text has no word")
        ways = self._ways(words, where)
        log_probs = self._model.log_probs(audio.resampled(self._model.sample_rate))
        chosen = _most_likely(log_probs, ways)
        times = frame_times(len(log_probs), self._model.frame_seconds, audio.duration)
        labels = [label for way in chosen for label in way]
        phones = self._scored(log_probs, labels, times, where)
        scored = tuple(
            ScoredWord(word.text, tuple(next(phones) for _ in way))
            for word, way in zip(words, chosen, strict=True)
        )
        return Pronunciation(scored, audio.duration)

    def _ways(self, words: Sequence[WrittenWord], where: str) -> list[Ways]:
        """The pronunciations of each word; one of several spoken words has one of all of them."""
        known = self._lexicon.sequences_of({spoken for word in words for spoken in word.spoken})
        found = []
        for word in words:
            each = [known.get(spoken) or [self._predicted(spoken, where)] for spoken in word.spoken]
            joined = tuple(label for ways in each for label in ways[0])
            found.append(each[0] if len(each) == 1 else [joined])
        return found

    def _predicted(self, word: str, where: str) -> tuple[int, ...]:
        alphabet = self._model.alphabet
        try:
            phones = self._g2p(word) if self._g2p else ()
        except AlphabetError:
            phones = ()
        if not phones or not set(phones) <= set(alphabet.symbols):
            raise DataError(
                f"{where}: {quoted(word)} has no pronunciation; write it out in letters"
            )
        return tuple(alphabet.encode(" ".join(phones)))

    def _scored(
        self,
        log_probs: NDArray[np.float32],
        labels: list[int],
        times: NDArray[np.float64],
        where: str,
    ) -> Iterator[ScoredPhone]:
        symbols = self._model.alphabet.symbols
        probs = goodness(log_probs, labels, where)
        for label, row, (first, last) in zip(labels, probs, align(log_probs, labels), strict=True):
            best = int(row.argmax())
            yield ScoredPhone(
                symbols[label - 1],
                float(times[first]),
                float(times[last]),
                float(row[label]),
                None if best == BLANK else symbols[best - 1],
            )


def _most_likely(log_probs: NDArray[np.float32], ways: Sequence[Ways]) -> list[tuple[int, ...]]:
    """One pronunciation of each word: word by word the one with which the text is likeliest."""
    chosen = [options[0] for options in ways]
    for place, options in enumerate(ways):
        likelihoods = []
        for way in options if len(options) > 1 else ():
            chosen[place] = way
            likelihoods.append(text_log_prob(log_probs, [label for w in chosen for label in w]))
        if likelihoods:
            chosen[place] = options[int(np.argmax(likelihoods))]
    return chosen
