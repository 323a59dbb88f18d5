"""From a recording to a transcript."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from speechlstm.acoustic import AcousticModel, LiteRTAcousticModel
from speechlstm.audio import Audio, num_channels, read_segments, split
from speechlstm.audio.activity import SpeechDetector
from speechlstm.bundle import Bundle, find_bundle, read_bundle
from speechlstm.config import DecodeConfig
from speechlstm.decoding.alignment import aligned_hypothesis
from speechlstm.decoding.decoder import Decoder, GreedyDecoder
from speechlstm.decoding.joining import JoinedHypotheses
from speechlstm.decoding.plausibility import plausible
from speechlstm.decoding.spec import DecoderSpec, with_arguments
from speechlstm.decoding.words import frame_times, spelled_words
from speechlstm.errors import ConfigError, DamagedAudioError, DataError
from speechlstm.text.targets import encode_target
from speechlstm.transcript import Hypothesis, Transcript


class _Own(Enum):
    """In place of a language model: the one of the bundle, if it has one."""

    OF_BUNDLE = "the bundle's own"


class Recognizer:
    """An acoustic model and the decoder of what it gives. It may be shared by threads.

    >>> recognizer = Recognizer.load("english")
    >>> recognizer.transcribe_file("data/samples/date.wav").text
    'july fourth seventeen seventy six'

    Args:
        model: Turns audio into log-probabilities.
        decoder: Turns those into text; None: the likeliest label of each frame.
        reject_non_speech: Whether words are dropped that lie in tones, hum or noise, or cannot be
            any by their length or confidence: see `speechlstm.audio.activity` and
            `speechlstm.decoding.plausibility`.
    """

    def __init__(
        self,
        model: AcousticModel,
        decoder: Decoder | None = None,
        *,
        reject_non_speech: bool = True,
    ) -> None:
        self.model, self.reject_non_speech = model, reject_non_speech
        self.decoder = decoder or GreedyDecoder(model.alphabet, model.frame_seconds)
        self._load_again: Callable[[], Recognizer] | None = None  # in another process

    @classmethod
    def load(
        cls,
        bundle: Path | str | None = "english",
        *,
        greedy: bool = False,
        decoding: DecodeConfig | None = None,
        lm: Path | str | Literal[_Own.OF_BUNDLE] | None = _Own.OF_BUNDLE,
        neural_lm: Path | str | Literal[_Own.OF_BUNDLE] | None = _Own.OF_BUNDLE,
        neural_lm_weight: float | None = None,
        neural_lm_mode: Literal["rescore", "fuse"] | None = None,
        reject_non_speech: bool = True,
        **settings: Any,
    ) -> "Recognizer":
        """A recogniser from a bundle.

        A bundle with a language model or a lexicon is decoded by beam search, as is any with
        settings of one; else the likeliest label of each frame is taken. Of a model that emits
        characters and phones, a lexicon reads the phones, unless it lacks a hot word and the
        bundle has no G2P network.

        >>> fast = Recognizer.load(beam_width=64, neural_lm=None)
        >>> fast.transcribe_file("data/samples/zip.wav").text
        'one eight zero zero five'

        Args:
            bundle: "english" or None: the model of the package. Any other text, and any Path: a
                bundle's folder or a .tflite file.
            greedy: Take the likeliest label of each frame in any case.
            decoding: All settings of the search, in place of the bundle's.
            lm: An n-gram language model in place of the bundle's, packed or ARPA; None: neither
                that nor an LSTM.
            neural_lm: An LSTM language model (.tflite) in place of the bundle's, which counts only
                beside an n-gram model; None: no LSTM.
            neural_lm_weight: Its share beside the n-grams, 0..1; None: the bundle's.
            neural_lm_mode: Whether it scores the n-best list or takes part in the search; None: as
                in the bundle.
            reject_non_speech: See above.
            settings: Single ones of `DecodeConfig`, the others stay: `beam_width=64`. Hot words
                are normalised as transcripts are.

        Raises:
            BundleError: The bundle is missing, damaged or of another format version.
            LanguageModelError: A language model is damaged, or for another alphabet.
            ConfigError: A setting is unknown or out of range, or is for a beam that greedy forbids.
        """
        changes: dict[str, Any] = {
            "decoding": decoding,
            "neural_lm_weight": neural_lm_weight,
            "neural_lm_mode": neural_lm_mode,
        }
        changes = {key: value for key, value in changes.items() if value is not None}
        models = {"lm": lm, "neural_lm": neural_lm}
        changes |= {key: file for key, file in models.items() if file is not _Own.OF_BUNDLE}
        needless = [*settings, *(key for key, value in changes.items() if value is not None)]
        if greedy and needless:
            named = ", ".join(needless)
            raise ConfigError(f"greedy decoding has no use for {named}; leave one of them out")
        contents = read_bundle(find_bundle(bundle))
        spec = with_arguments(contents.decoder, changes, settings)
        searches = not greedy and (spec.is_search or bool(settings) or decoding is not None)
        # What one decoder's confidences are worth says nothing about those of another.
        if searches != contents.decoder.is_search:
            spec = replace(spec, calibration=None)
        model, decoder = _assembled(contents, spec, searches)
        recognizer = cls(model, decoder, reject_non_speech=reject_non_speech)
        changes |= {"greedy": greedy, "reject_non_speech": reject_non_speech}
        recognizer._load_again = partial(cls.load, bundle, **changes, **settings)
        return recognizer

    def transcribe(self, audio: Audio) -> Transcript:
        """What is said in a waveform of any length and rate, heard in pieces cut at pauses.

        >>> import numpy as np
        >>> hiss = np.random.default_rng(1).integers(-99, 99, 44100).astype(np.int16)
        >>> Recognizer.load(greedy=True).transcribe(Audio.from_array(hiss, 44100)).text
        ''

        Args:
            audio: The waveform: `Audio.from_array` makes one of any array, `Audio.load` of a file
                or a file object.

        Raises:
            ValueError: The audio is too short to hold speech, or has samples that are not finite or
                far beyond full scale.
            TypeError: It is no Audio.
        """
        if not isinstance(audio, Audio):
            raise TypeError(
                f"transcribe takes an Audio, not {type(audio).__name__}; Audio.from_array and "
                "Audio.load make one, transcribe_file takes the path of a recording"
            )
        return self._transcript(split(audio.resampled(self.model.sample_rate)))

    def transcribe_file(
        self, path: Path | str, channels: int | str = "mix", raw_rate: int | None = None
    ) -> Transcript:
        """What is said in a recording of any length, heard in pieces cut at pauses.

        Args:
            path: The recording, of any container; see `speechlstm.audio`.
            channels: "mix": all as one; "separate": each by itself, see `Transcript.of_channels`;
                or the number of one, counted from 1.
            raw_rate: Samples a second of a recording without a header: 16-bit, little-endian, mono.

        Raises:
            DamagedAudioError: Parts of the recording are lost; its `partial` is the transcript of
                the others.
            AudioError: The recording cannot be decoded or is too short to hold speech.
        """
        if channels == "separate":
            return self._separate_transcript(path, 1 if raw_rate else num_channels(path), raw_rate)
        if isinstance(channels, str) and channels != "mix":
            raise ValueError(f'channels must be "mix", "separate" or a number, is {channels!r}')
        channel = None if isinstance(channels, str) else channels
        rate = self.model.sample_rate
        return self._transcript(read_segments(path, rate, channel=channel, raw_rate=raw_rate))

    @overload
    def transcribe_files(
        self,
        paths: Iterable[Path | str],
        channels: int | str = "mix",
        raw_rate: int | None = None,
        *,
        jobs: int = 1,
        return_errors: Literal[False] = False,
    ) -> Iterator[Transcript]: ...

    @overload
    def transcribe_files(
        self,
        paths: Iterable[Path | str],
        channels: int | str = "mix",
        raw_rate: int | None = None,
        *,
        jobs: int = 1,
        return_errors: bool,
    ) -> Iterator[Transcript | DataError]: ...

    def transcribe_files(
        self,
        paths: Iterable[Path | str],
        channels: int | str = "mix",
        raw_rate: int | None = None,
        *,
        jobs: int = 1,
        return_errors: bool = False,
    ) -> Iterator[Transcript | DataError]:
        """What is said in each of many recordings, in their order, on several cores.

        >>> files = ["data/samples/date.wav", "data/samples/missing.wav"]
        >>> for result in Recognizer.load().transcribe_files(files, return_errors=True):
        ...     print(result.text if isinstance(result, Transcript) else result)
        july fourth seventeen seventy six
        data/samples/missing.wav: cannot be read: No such file or directory

        Args:
            paths: The recordings.
            channels: As in transcribe_file.
            raw_rate: As in transcribe_file.
            jobs: Processes, at most. Each loads the models anew, once a second of work is done
                here; a script that asks for several needs `if __name__ == "__main__":`.
            return_errors: Whether the error of a recording that cannot be used stands in the place
                of its transcript. If not, it is raised there, and the recordings after it are not
                transcribed.

        Raises:
            DataError: A recording cannot be used, unless return_errors.
            ConfigError: There are several jobs, and the recogniser is not from `load`.
            SpeechLSTMError: A process has died.
            TypeError: One path instead of several.
        """
        if isinstance(paths, str | Path):
            raise TypeError("transcribe_files takes a list of paths; transcribe_file takes one")
        if jobs > 1 and self._load_again is None:
            raise ConfigError("jobs: must be 1 for a recogniser that Recognizer.load has not made")
        # Imported here: a single recording needs no processes.
        from speechlstm.batch import Loaded, transcribe_files

        attempts = transcribe_files(
            Loaded(self, self._load_again),
            [Path(path) for path in paths],
            jobs,
            channels=channels,
            raw_rate=raw_rate,
        )
        return (attempt.transcript(return_errors) for attempt in attempts)

    def _separate_transcript(
        self, path: Path | str, number: int, raw_rate: int | None
    ) -> Transcript:
        transcripts, damage = [], None
        for channel in range(1, number + 1):
            try:
                transcripts.append(self.transcribe_file(path, channel, raw_rate))
            except DamagedAudioError as error:
                transcripts.append(error.partial)
                damage = error
        whole = Transcript.of_channels(transcripts)
        if damage:
            raise damage.with_partial(whole)
        return whole

    def align_file(
        self, path: Path | str, text: str, channel: int | None = None, raw_rate: int | None = None
    ) -> Transcript:
        """When each word of a text is said in a recording, of any length.

        The words' confidences are geometric mean posteriors, not calibrated.

        Args:
            path: The recording.
            text: All that is said in it; it is normalised first.
            channel: The one to listen to, counted from 1; None: all, mixed.
            raw_rate: As in transcribe_file.

        Raises:
            AudioError: As in transcribe_file.
            AlphabetError: The text holds symbols that the alphabet lacks.
            InfeasibleTargetError: It is longer than the recording.
            DataError: It holds no word.
        """
        model = self.model.characters  # any word has them, also one that no lexicon has
        outputs, times = [], [np.zeros(1)]
        pieces = read_segments(path, model.sample_rate, channel=channel, raw_rate=raw_rate)
        for start, audio in pieces:
            outputs.append(model.log_probs(audio))
            ends = frame_times(len(outputs[-1]), model.frame_seconds, audio.duration)[1:]
            times.append(start + ends)
        log_probs, bounds = np.concatenate(outputs), np.concatenate(times)
        labels = encode_target(text, model.alphabet, len(log_probs), str(path))
        if not labels:
            raise DataError(f"{path}: the text holds no word to align")
        spelled = spelled_words(labels, model.alphabet)
        reading = aligned_hypothesis(log_probs, labels, spelled, bounds)
        return Transcript((reading,), float(bounds[-1]))

    def _hypotheses(self, audio: Audio) -> list[Hypothesis]:
        hypotheses = self.decoder.decode(self.model.log_probs(audio), audio.duration)
        if not (self.reject_non_speech and any(h.words for h in hypotheses)):
            return hypotheses
        detector = SpeechDetector(audio.samples, audio.sample_rate)
        return plausible(hypotheses, detector.is_speech_possible)

    def _transcript(self, segments: Iterable[tuple[float, Audio]]) -> Transcript:
        joined, duration = JoinedHypotheses(), 0.0
        calibrated = self.decoder.is_calibrated
        try:
            for start, audio in segments:
                joined.add(start, self._hypotheses(audio))
                duration = start + audio.duration
        except DamagedAudioError as error:
            partial = Transcript(joined.best(), duration, calibrated, error.lost)
            raise error.with_partial(partial) from None
        return Transcript(joined.best(), duration, calibrated)


def _assembled(bundle: Bundle, spec: DecoderSpec, searches: bool) -> tuple[AcousticModel, Decoder]:
    if not searches:
        model = LiteRTAcousticModel(bundle)
        return model, GreedyDecoder(model.alphabet, model.frame_seconds, spec.calibration)
    # Imported here: that takes 25 ms, which the greedy decoder need not wait for.
    from speechlstm.decoding.assemble import DecoderAssembly

    assembly = DecoderAssembly(spec, bundle.acoustic.alphabet, bundle.acoustic.phones)
    model = LiteRTAcousticModel(bundle, phones=assembly.reads_phones)
    return model, assembly.decoder(model.frame_seconds)
