"""`Recognizer`: transcribes waveforms and recordings, and aligns texts with them."""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self, overload

from speechlstm.arguments import StrPath
from speechlstm.audio import (
    Audio,
    BlockSource,
    Piece,
    read_blocks,
    read_segments,
    repeatable,
    split,
)
from speechlstm.config import DecodeConfig, read_hot_words
from speechlstm.errors import ConfigError, DataError
from speechlstm.recognizer.aligning import align_segments
from speechlstm.recognizer.batch import Channels
from speechlstm.recognizer.loading import FROM_BUNDLE, ModelFile, checked, load_parts
from speechlstm.recognizer.segments import SegmentRecognizer, transcribe_segments
from speechlstm.recognizer.sharing import OnSegment, raising, transcribe_in_segments
from speechlstm.text.phrases import Phrases
from speechlstm.transcript import Transcript

if TYPE_CHECKING:
    from speechlstm.streaming import Event, Stream

RecordingPath = StrPath | Piece


class Recognizer(SegmentRecognizer):
    """Turns speech into text, by an acoustic model and a decoder. Threads may share one.

    One that `load` has made can be pickled: unpickling loads an equal one. Copies share the models.

    >>> recognizer = Recognizer.load("english")
    >>> recognizer
    Recognizer.load('english')
    >>> recognizer.transcribe_file("data/samples/date.wav").text
    'july fourth seventeen seventy six'
    """

    _load_again: "partial[Recognizer] | None" = None  # in another process

    @classmethod
    def load(
        cls,
        bundle: StrPath | None = "english",
        *,
        greedy: bool = False,
        fast: bool = False,
        decoding: DecodeConfig | None = None,
        lm: ModelFile = FROM_BUNDLE,
        neural_lm: ModelFile = FROM_BUNDLE,
        neural_lm_weight: float | None = None,
        neural_lm_mode: Literal["rescore", "fuse"] | None = None,
        reject_non_speech: bool = True,
        readable: bool | None = False,
        phrases: Phrases | None = None,
        speakers: int | Literal["auto"] | None = None,
        speaker_bundle: StrPath | None = None,
        **settings: Any,
    ) -> "Recognizer":
        """Load a recogniser from a bundle.

        The decoder is a beam search if the bundle has a language model or a lexicon, or if any
        setting of the search is given; otherwise it is greedy. If the network has outputs for both
        characters and phones, the search uses the phones if there is a lexicon that has all hot
        words, or a G2P network for those that it lacks; otherwise the characters.

        >>> Recognizer.load(fast=True).transcribe_file("data/samples/zip.wav").text
        'one eight zero zero five'
        >>> Recognizer.load(readable=True).transcribe_file("data/samples/date.wav").readable
        'July 4, 1776.'
        >>> only = Recognizer.load(phrases=["go left", "stop", "[unk]"])
        >>> only.transcribe_file("data/samples/commands.wav").text
        'go left stop'

        Args:
            bundle: "english" or None: the model in this package. Any other string, and any Path:
                the folder of a bundle, or a .tflite file.
            greedy: Decode greedily in any case.
            fast: Search without the LSTM language model, with a narrower beam, by settings that the
                bundle has for this. What it costs in accuracy and saves in time: see the bundle's
                README.md.
            decoding: Replaces all settings of the bundle's search.
            lm: An n-gram language model (packed or ARPA) that replaces the bundle's; None: use no
                language model, neither n-gram nor LSTM.
            neural_lm: An LSTM language model (.tflite) that replaces the bundle's; it is used only
                together with an n-gram model. None: use none.
            neural_lm_weight: Weight of the LSTM's probabilities in the interpolation with the
                n-gram model's, 0..1; None: the bundle's.
            neural_lm_mode: "rescore": the LSTM rescores the n-best list. "fuse": it takes part in
                the search (slower). None: the bundle's.
            reject_non_speech: As in `SegmentRecognizer`.
            readable: Whether transcripts also have readable text (`Transcript.readable`): capitals,
                punctuation, figures. None: if the bundle has a network for that. Hot words appear
                as they are given: "iPhone".
            phrases: The only phrases that can be recognised, in any number and order: strings
                ("lights on", "lights off:2" if it is twice as probable) or `Phrase`s, or a mapping
                from phrases to weights; "[unk]" stands for anything else, and without it, what is
                said becomes one of the others or nothing. They replace the language models;
                pronunciations are from the lexicon or by the G2P network. None: any text.
            speakers: Tell speakers apart in each recording (`Word.speaker`, `Transcript.turns`):
                their number, or "auto" if it is to be found out. A transcript then has one
                hypothesis; segments have no speakers, which are known when the recording has ended,
                and streams are refused. None: do not.
            speaker_bundle: A classifier of speakers, whose embeddings tell them apart; None: the
                network of this package.
            settings: Single settings of `DecodeConfig` that replace the bundle's, such as
                beam_width=64. Hot words are normalised as transcripts are.

        Raises:
            BundleError: The bundle is missing, damaged or of another format version, or has no
                network for readable text.
            LanguageModelError: A language model is damaged, or was built for another alphabet.
            ConfigError: A setting is unknown or out of range, or has no effect on greedy decoding.
            MissingDependencyError: Speakers cannot be told apart without scikit-learn.
        """
        options = checked(
            bundle=bundle, greedy=greedy, fast=fast, decoding=decoding, lm=lm, neural_lm=neural_lm,
            neural_lm_weight=neural_lm_weight, neural_lm_mode=neural_lm_mode,
            reject_non_speech=reject_non_speech, readable=readable, phrases=phrases,
            speakers=speakers, speaker_bundle=speaker_bundle,
        )  # fmt: skip
        bundle = options.pop("bundle")
        defaults = Recognizer.load.__kwdefaults__ or {}  # a subclass may have a load of its own
        given = {name: value for name, value in options.items() if value != defaults[name]}
        if "hot_words" in settings:
            settings["hot_words"] = read_hot_words(settings["hot_words"])
        recognizer = cls(**load_parts(bundle, given, settings))
        recognizer._load_again = partial(cls.load, bundle, **given, **settings)
        return recognizer

    def __repr__(self) -> str:
        if self._load_again is None:
            return super().__repr__()
        bundle, options = self._load_again.args[0], self._load_again.keywords
        given = [f"{bundle!r}", *(f"{name}={value!r}" for name, value in options.items())]
        return f"{type(self).__name__}.load({', '.join(given)})"

    def __copy__(self) -> Self:
        copied = object.__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        if self._load_again is None:
            raise TypeError("only a recogniser that Recognizer.load has made can be pickled")
        return self._load_again, ()

    def transcribe(self, audio: Audio) -> Transcript:
        """Transcribe a waveform of any length and sample rate. Long ones are cut at pauses.

        >>> import numpy as np
        >>> noise = np.random.default_rng(1).integers(-99, 99, 44100).astype(np.int16)
        >>> Recognizer.load(greedy=True).transcribe(Audio.from_array(noise, 44100)).text
        ''

        Args:
            audio: The waveform. `Audio.from_array` makes one from an array, `Audio.load` from a
                file or a file object.

        Raises:
            ValueError: The audio is shorter than 0.05 s, or has samples that are not finite or far
                beyond full scale.
            TypeError: The argument is not an Audio.
        """
        if not isinstance(audio, Audio):
            raise TypeError(
                f"transcribe takes an Audio, not {type(audio).__name__}; Audio.from_array and "
                "Audio.load make one, transcribe_file takes the path of a recording"
            )
        return transcribe_segments(self, split(audio.resampled(self.sample_rate)))

    def transcribe_file(
        self,
        path: RecordingPath,
        channels: Channels = "mix",
        raw_rate: int | None = None,
        *,
        jobs: int = 1,
        on_segment: OnSegment | None = None,
    ) -> Transcript:
        """Transcribe a recording of any length. Long ones are cut at pauses.

        >>> def show(segment):
        ...     print(f"{segment.end:.1f} s: {segment.transcript.text}")
        >>> transcript = Recognizer.load().transcribe_file(
        ...     "data/samples/date.wav", on_segment=show
        ... )
        2.5 s: july fourth seventeen seventy six

        Args:
            path: The recording, or a `Piece` of it; `speechlstm.audio` lists the formats.
            channels: "mix": the mean of all channels; "separate": each channel by itself (see
                `Transcript.of_channels`); or the number of one channel, counted from 1.
            raw_rate: The sample rate in Hz of a recording without a header (16-bit little-endian
                PCM, mono); None: the recording has a header.
            jobs: The largest number of processes that share the segments, as in transcribe_files.
                The transcript does not depend on it.
            on_segment: Called with each `Segment` (of at most 20 s) when it is done, in their
                order.

        Raises:
            DamagedAudioError: Parts of the recording are lost; the `partial` of the error is the
                transcript of what remains.
            AudioError: The recording cannot be decoded, is shorter than 0.05 s or lacks the
                channel.
            ValueError: channels is none of those above.
            ConfigError: As in transcribe_files.
        """
        (transcript,) = self.transcribe_files(
            [path], channels, raw_rate, jobs=jobs, on_segment=on_segment
        )
        return transcript

    @overload
    def transcribe_files(
        self, paths: Iterable[RecordingPath], channels: Channels = ..., raw_rate: int | None = ...,
        *, jobs: int = ..., on_segment: OnSegment | None = ..., return_errors: Literal[False] = ...,
    ) -> Iterator[Transcript]: ...  # fmt: skip

    @overload
    def transcribe_files(
        self, paths: Iterable[RecordingPath], channels: Channels = ..., raw_rate: int | None = ...,
        *, jobs: int = ..., on_segment: OnSegment | None = ..., return_errors: bool,
    ) -> Iterator[Transcript | DataError]: ...  # fmt: skip

    def transcribe_files(
        self,
        paths: Iterable[RecordingPath],
        channels: Channels = "mix",
        raw_rate: int | None = None,
        *,
        jobs: int = 1,
        on_segment: OnSegment | None = None,
        return_errors: bool = False,
    ) -> Iterator[Transcript | DataError]:
        """Transcribe many recordings, on several cores if wanted, and yield them in their order.

        >>> files = ["data/samples/date.wav", "data/samples/missing.wav"]
        >>> for result in Recognizer.load().transcribe_files(files, return_errors=True):
        ...     print(result.text if isinstance(result, Transcript) else result)
        july fourth seventeen seventy six
        data/samples/missing.wav: cannot be read: No such file or directory

        The other arguments are those of transcribe_file.

        Args:
            jobs: The largest number of processes, which share the segments of all recordings.
                Others are started after a second of work, and each loads the models. A script that
                sets jobs needs `if __name__ == "__main__":`.
            return_errors: Whether to yield the error of a recording that cannot be used, in place
                of its transcript. If false, the error is raised and iteration ends.

        Raises:
            DataError: A recording cannot be used, and return_errors is false.
            ConfigError: jobs is below 1, or above 1 for a recogniser not made by `load`.
            SpeechLSTMError: A process has died.
            ValueError: As in transcribe_file.
            TypeError: paths is a single path, or has something that is no path.
        """
        if isinstance(paths, str | PathLike | Piece):
            raise TypeError("transcribe_files takes a list of paths; transcribe_file takes one")
        results = transcribe_in_segments(
            self, self._load_again, map(repeatable, paths), channels, raw_rate, jobs, on_segment
        )
        return results if return_errors else raising(results)

    def align_file(
        self,
        path: RecordingPath,
        text: str,
        channel: int | None = None,
        raw_rate: int | None = None,
    ) -> Transcript:
        """Find when each word of a known text is spoken in a recording of any length.

        The transcript has the words as they are written, and the lines of the text. Confidences are
        geometric mean posteriors; they are not calibrated. Words that the recording lacks are not
        spoken (`Word.is_spoken`): they last no time.

        >>> text = "One eight zero zero five."
        >>> transcript = Recognizer.load().align_file("data/samples/zip.wav", text)
        >>> print(*(f"{word.text} {word.start:.1f}" for word in transcript.words), sep=", ")
        One 0.3, eight 0.5, zero 0.8, zero 1.1, five. 1.4

        Args:
            text: Everything that is spoken in it, or subtitles (SRT or WebVTT) to be timed anew.
            channel: The number of the channel, counted from 1; None: the mean of all.
            raw_rate: As in transcribe_file.

        Raises:
            AudioError: As in transcribe_file.
            AlphabetError: Most words have letters that the alphabet lacks. Others, and figures, are
                aligned with what is spoken between their neighbours.
            InfeasibleTargetError: The alphabet has no space, and the text is too long for the
                recording.
            DataError: The text has no word, or no word, in a long recording too few words, in
                common with the recording.
            TypeError: The text is not a string.
        """
        if not isinstance(text, str):
            raise TypeError(f"align_file takes the text as a string, not {type(text).__name__}")
        model = self.model.characters  # they spell every word, phones only those of a lexicon
        segments = read_segments(path, model.sample_rate, channel=channel, raw_rate=raw_rate)
        where = os.fspath(path) if isinstance(path, PathLike) else str(path)
        return align_segments(segments, model, text, where)

    def open_stream(self, sample_rate: int, endpoint_seconds: float | None = None) -> "Stream":
        """Recognise speech while it is spoken, from blocks of samples that are fed as they come.

        >>> audio = Audio.load("data/samples/date.wav")
        >>> stream = Recognizer.load().open_stream(audio.sample_rate)
        >>> events = [*stream.feed(audio.samples), *stream.finish()]
        >>> events[-1].text, events[-1].segment
        ('july fourth seventeen seventy six', 1)

        Args:
            sample_rate: Of the blocks, in Hz.
            endpoint_seconds: The pause that ends a segment, 0.2 to 10 s; None: ENDPOINT_SECONDS of
                `speechlstm.streaming`.

        Raises:
            ConfigError: endpoint_seconds is out of range, or speakers are to be told apart.
            ValueError: The sample rate is not a whole number in 4,000 to 768,000.
        """
        from speechlstm.streaming import ENDPOINT_SECONDS, Stream

        if self.diarizer:
            raise ConfigError("speakers: are told apart in whole recordings, not in streams")

        return Stream(
            self.model,
            self.decoder,
            sample_rate,
            ENDPOINT_SECONDS if endpoint_seconds is None else endpoint_seconds,
            reject_non_speech=self.reject_non_speech,
            writer=self.writer,
        )

    def stream(
        self, source: BlockSource | StrPath | BinaryIO, endpoint_seconds: float | None = None
    ) -> "Iterator[Event]":
        """Recognise speech while it comes from a source, and yield what is new.

        >>> from speechlstm.audio import Blocks
        >>> audio = Audio.load("data/samples/zip.wav")
        >>> source = Blocks([audio.samples[:9000], audio.samples[9000:]], audio.sample_rate)
        >>> *partials, final = Recognizer.load().stream(source)
        >>> final.text
        'one eight zero zero five'

        Args:
            source: `speechlstm.audio.Blocks`, a device, or a recording.
            endpoint_seconds: As in open_stream.

        Yields:
            Partial and final events: see `speechlstm.streaming`.

        Raises:
            AudioError: The source fails or has no samples. The final event of what came before is
                yielded first.
            DataError: A block has samples that are not finite, likewise.
            ConfigError: endpoint_seconds is out of range.
            TypeError: source is none of these.
        """
        from speechlstm.streaming.stream import pulled

        if isinstance(source, BlockSource):
            return pulled(self.open_stream(source.sample_rate, endpoint_seconds), source)
        if not (isinstance(source, str | PathLike | Piece) or hasattr(source, "read")):
            raise TypeError(
                f"stream takes Blocks, a device or a recording, not {type(source).__name__}; "
                "speechlstm.audio.Blocks([samples], sample_rate) makes blocks of samples"
            )
        rate = self.model.sample_rate
        return pulled(self.open_stream(rate, endpoint_seconds), read_blocks(source, rate))
