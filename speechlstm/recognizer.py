"""From a recording to a transcript."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from speechlstm.audio import Audio, read_segments
from speechlstm.backend import AcousticModel, LiteRTModel
from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.transcript import Hypothesis, Transcript, Word


class Recognizer:
    """An acoustic model and the decoder of what it gives.

    Args:
        model: Turns audio into log-probabilities.
    """

    def __init__(self, model: AcousticModel) -> None:
        self.model = model

    @classmethod
    def load(cls, bundle: Path | str | None = None) -> "Recognizer":
        """A recogniser from a bundle's folder, a .tflite file, or, by default, the package's own.

        Raises:
            BundleError: The bundle is missing, damaged or of another format version.
        """
        path = default_bundle() if bundle is None else Path(bundle)
        return cls(LiteRTModel(read_bundle(path)))

    def transcribe(self, audio: Audio) -> Transcript:
        """What is said in one utterance, heard in one piece.

        Raises:
            ValueError: The audio is not at model.sample_rate.
        """
        return self._transcript([(0.0, audio)])

    def transcribe_file(self, path: Path | str) -> Transcript:
        """What is said in a recording of any length, heard in pieces cut at pauses.

        Raises:
            AudioError: The recording cannot be decoded or is too short to hold speech.
        """
        return self._transcript(read_segments(path, self.model.sample_rate))

    def _transcript(self, segments: Iterable[tuple[float, Audio]]) -> Transcript:
        words: list[Word] = []
        log_prob = duration = 0.0
        for start, audio in segments:
            hypothesis = greedy_decode(
                self.model.log_probs(audio), self.model.alphabet, self.model.frame_seconds
            )
            words += (self._placed(word, start, audio.duration) for word in hypothesis.words)
            log_prob += hypothesis.log_prob
            duration = start + audio.duration
        text = " ".join(word.text for word in words)
        return Transcript((Hypothesis(text, tuple(words), log_prob),), duration)

    def _placed(self, word: Word, start: float, duration: float) -> Word:
        """A word of a segment in the time of the recording; the last frame outlasts the segment."""
        latest_start = max(0.0, duration - self.model.frame_seconds)
        return replace(
            word,
            start=start + min(word.start, latest_start),
            end=start + min(word.end, duration),
        )
