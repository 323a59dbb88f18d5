"""From a recording to a transcript."""

from collections.abc import Iterable
from dataclasses import replace
from heapq import nlargest
from itertools import product
from pathlib import Path

import numpy as np

from speechlstm.audio import Audio, read_segments
from speechlstm.backend import AcousticModel, LiteRTModel
from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.decoding.alignment import aligned_hypothesis
from speechlstm.decoding.decoder import Decoder, GreedyDecoder
from speechlstm.decoding.words import frame_times
from speechlstm.errors import DataError
from speechlstm.targets import encode_target
from speechlstm.transcript import Hypothesis, Transcript


class Recognizer:
    """An acoustic model and the decoder of what it gives.

    Args:
        model: Turns audio into log-probabilities.
        decoder: Turns those into text; None: the likeliest label of each frame.
    """

    def __init__(self, model: AcousticModel, decoder: Decoder | None = None) -> None:
        self.model = model
        self.decoder = decoder or GreedyDecoder(model.alphabet, model.frame_seconds)

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

    def align_file(self, path: Path | str, text: str) -> Transcript:
        """When each word of a text is said in a recording, of any length.

        The words' confidences are geometric mean posteriors, not calibrated.

        Args:
            path: The recording.
            text: All that is said in it; it is normalised first.

        Raises:
            AudioError: As in transcribe_file.
            AlphabetError: The text holds symbols that the alphabet lacks.
            InfeasibleTargetError: It is longer than the recording.
            DataError: It holds no word.
        """
        outputs, times = [], [np.zeros(1)]
        for start, audio in read_segments(path, self.model.sample_rate):
            outputs.append(self.model.log_probs(audio))
            ends = frame_times(len(outputs[-1]), self.model.frame_seconds, audio.duration)[1:]
            times.append(start + ends)
        log_probs, bounds = np.concatenate(outputs), np.concatenate(times)
        labels = encode_target(text, self.model.alphabet, len(log_probs), str(path))
        if not labels:
            raise DataError(f"{path}: the text holds no word to align")
        hypothesis = aligned_hypothesis(log_probs, labels, self.model.alphabet, bounds)
        return Transcript((hypothesis,), float(bounds[-1]))

    def _transcript(self, segments: Iterable[tuple[float, Audio]]) -> Transcript:
        readings = [Hypothesis("", (), 0.0)]
        duration = 0.0
        for start, audio in segments:
            heard = self.decoder.decode(self.model.log_probs(audio), audio.duration)
            pairs = product(readings, (_later(hypothesis, start) for hypothesis in heard))
            joined = (_joined(first, then) for first, then in pairs)
            readings = nlargest(max(len(readings), len(heard)), joined, key=lambda h: h.score)
            duration = start + audio.duration
        return Transcript(tuple(readings), duration)


def _later(hypothesis: Hypothesis, seconds: float) -> Hypothesis:
    words = (
        replace(word, start=word.start + seconds, end=word.end + seconds)
        for word in hypothesis.words
    )
    return replace(hypothesis, words=tuple(words))


def _joined(first: Hypothesis, then: Hypothesis) -> Hypothesis:
    return Hypothesis(
        " ".join(filter(None, (first.text, then.text))),
        first.words + then.words,
        first.log_prob + then.log_prob,
        first.lm_log_prob + then.lm_log_prob,
        first.score + then.score,
    )
