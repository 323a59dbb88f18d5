"""From a recording to a transcript."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from speechlstm.acoustic import AcousticModel, LiteRTAcousticModel
from speechlstm.audio import Audio, read_segments, split
from speechlstm.audio.activity import SpeechDetector
from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.config import DecodeConfig, NeuralLMConfig, read_hot_words
from speechlstm.decoding.alignment import aligned_hypothesis
from speechlstm.decoding.decoder import Decoder, GreedyDecoder
from speechlstm.decoding.joining import JoinedHypotheses
from speechlstm.decoding.plausibility import plausible
from speechlstm.decoding.words import frame_times, spelled_words
from speechlstm.errors import ConfigError, DataError
from speechlstm.text.normalize import normalize
from speechlstm.text.targets import encode_target
from speechlstm.transcript import Hypothesis, Transcript


class Recognizer:
    """An acoustic model and the decoder of what it gives. It may be shared by threads.

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

    @classmethod
    def load(
        cls,
        bundle: Path | str | None = None,
        *,
        greedy: bool = False,
        use_lm: bool = True,
        lm: Path | str | None = None,
        rescorer: Path | str | None = None,
        rescoring: dict[str, Any] | None = None,
        reject_non_speech: bool = True,
        **settings: Any,
    ) -> "Recognizer":
        """A recogniser from a bundle's folder, a .tflite file, or, by default, the package's own.

        A bundle with a language model or a lexicon is decoded by beam search, as is any with
        settings of one; else the likeliest label of each frame is taken. Of a model that emits
        characters and phones, a lexicon reads the phones, unless it lacks a hot word and the
        bundle has no pronouncer.

        Args:
            bundle: The bundle.
            greedy: Take the likeliest label of each frame in any case.
            use_lm: Whether the bundle's language models are used.
            lm: An n-gram language model to use instead of it, packed or ARPA.
            rescorer: An LSTM language model to use beside that, instead of the bundle's.
            rescoring: Settings of `NeuralLMConfig`, in place of the bundle's.
            reject_non_speech: As above.
            settings: Of `DecodeConfig`, in place of the bundle's: `beam_width=200`. Hot words are
                normalised as transcripts are.

        Raises:
            BundleError: The bundle is missing, damaged or of another format version.
            LanguageModelError: The language model is damaged, or for another alphabet.
            ConfigError: A setting is unknown or out of range, or is for a beam that greedy forbids.
        """
        contents = read_bundle(default_bundle() if bundle is None else Path(bundle))
        if "hot_words" in settings:
            hot_words = read_hot_words(settings["hot_words"])
            settings["hot_words"] = [replace(w, phrase=normalize(w.phrase)) for w in hot_words]
        files = {"lm": lm, "rescorer": rescorer}
        given = [*settings, *(rescoring or {}), *(name for name, file in files.items() if file)]
        if greedy and given:
            named = ", ".join(given)
            raise ConfigError(f"greedy decoding has no use for {named}; leave one of them out")
        given_spec = contents.decoder
        neural_lm_config = given_spec.neural_lm_config.to_dict() | (rescoring or {})
        spec = given_spec.changed(
            config=DecodeConfig.from_dict(given_spec.config.to_dict() | settings),
            neural_lm_config=NeuralLMConfig.from_dict(neural_lm_config),
            lm=Path(lm) if lm else given_spec.lm if use_lm else None,
            neural_lm=Path(rescorer) if rescorer else given_spec.neural_lm,
        )
        if rescorer and not spec.lm:
            raise ConfigError(f"{rescorer}: counts beside an n-gram model, and there is none")
        searches = not greedy and (spec.is_search or bool(settings))
        # What one decoder's confidences are worth says nothing about those of another.
        if searches != given_spec.is_search:
            spec = replace(spec, calibration=None)
        if searches:
            # Imported here: that takes 25 ms, which the greedy decoder need not wait for.
            from speechlstm.decoding.assemble import DecoderAssembly

            acoustic = contents.acoustic
            assembly = DecoderAssembly(spec, acoustic.alphabet, acoustic.phones)
            model = LiteRTAcousticModel(contents, phones=assembly.reads_phones)
            decoder: Decoder = assembly.decoder(model.frame_seconds)
        else:
            model = LiteRTAcousticModel(contents)
            decoder = GreedyDecoder(model.alphabet, model.frame_seconds, spec.calibration)
        return cls(model, decoder, reject_non_speech=reject_non_speech)

    def transcribe(self, audio: Audio) -> Transcript:
        """What is said in a waveform of any length, heard in pieces cut at pauses.

        Raises:
            ValueError: The audio is not at model.sample_rate, is too short to hold speech, or has
                samples that are not finite or far beyond full scale.
        """
        return self._transcript(split(audio))

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
        model = self.model.characters  # any word has them, also one that no lexicon has
        outputs, times = [], [np.zeros(1)]
        for start, audio in read_segments(path, model.sample_rate):
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
        for start, audio in segments:
            joined.add(start, self._hypotheses(audio))
            duration = start + audio.duration
        return Transcript(joined.best(), duration, self.decoder.is_calibrated)
