"""Explains the recognition of an utterance."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.audio.activity import SpeechDetector
from speechlstm.bundle import Bundle, find_bundle, read_bundle
from speechlstm.config import FeatureConfig
from speechlstm.decoding.alignment import align
from speechlstm.decoding.assemble import DecoderAssembly
from speechlstm.decoding.decoder import GreedyDecoder
from speechlstm.decoding.nbest import NUM_RIVALS, NBestDecoder, probabilities
from speechlstm.decoding.plausibility import plausible
from speechlstm.decoding.sentences import SentenceSearch
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.decoding.timed_words import Emission, frame_times
from speechlstm.errors import ConfigError
from speechlstm.explain.comparing import Comparer
from speechlstm.explain.explanation import RANGE_DB, Comparison, ExplainedWord, Explanation, Head
from speechlstm.explain.network import NetworkActivity, run_network
from speechlstm.explain.rivals import runners_up
from speechlstm.explain.scoring import TextScorer
from speechlstm.text.normalize import normalize
from speechlstm.text.targets import encode_target, min_steps
from speechlstm.transcript import Hypothesis, Word


def explain(
    audio: Audio,
    bundle: Path | str | None = "english",
    text: str | None = None,
    *,
    fast: bool = False,
    start: float = 0.0,
    name: str = "audio",
) -> Explanation:
    """Recognise an utterance, and find out what led to its text.

    >>> explanation = explain(Audio.load("data/samples/date.wav"))
    >>> explanation.text
    'july fourth seventeen seventy six'
    >>> len(explanation.layers), sorted(explanation.layers[0][0].gates)
    (4, ['forget', 'input', 'output'])

    Args:
        audio: The utterance, which is recognised as a whole: `transcribe` cuts recordings of more
            than 20 s at pauses. Any sample rate.
        bundle: As in `Recognizer.load`.
        text: What was spoken, if that is known.
        fast: As in `Recognizer.load`.
        start: Where the audio starts in its recording, in seconds.
        name: The name of the recording.

    Raises:
        BundleError: The bundle is missing or damaged, or LiteRT cannot run its network.
        ModelError: A language model or lexicon cannot be read.
        AlphabetError: The text has characters that the alphabet lacks.
        InfeasibleTargetError: The text cannot be spoken in that time.
        ConfigError: The text has no word.
    """
    contents = read_bundle(find_bundle(bundle))
    spec = contents.decoder.made_fast() if fast else contents.decoder
    frame_seconds = contents.acoustic.frame_seconds
    audio = audio.resampled(contents.acoustic.features.sample_rate)
    reference = None if text is None else _reference(text, contents, audio, name)
    activity = run_network(contents, audio)
    assembly = DecoderAssembly(spec, contents.acoustic.alphabet, contents.acoustic.phones)
    decoder = assembly.decoder(frame_seconds)
    heads = _heads(contents, activity)
    read = heads[assembly.reads_phones]
    search = decoder.start()
    n_best, is_calibrated = _n_best(spec, decoder, search, read, frame_seconds, audio)
    shares = probabilities([hypothesis.score for hypothesis in n_best]).tolist()
    scorer = TextScorer(spec, assembly, decoder, read.log_probs, search.ends)
    times = frame_times(len(read.log_probs), frame_seconds, audio.duration)
    comparer = Comparer(n_best, shares, scorer, heads, times, start)
    comparisons, whole = comparer.compare(reference)
    return Explanation(
        name,
        audio,
        start,
        contents.acoustic,
        spec.config,
        _lms(assembly, spec),
        tuple(
            _with_paths(head, whole if head is read else None, n_best[0].text, reference)
            for head in heads
        ),
        spectrogram(audio, contents.acoustic.features),
        activity.features,
        _explained_words(n_best, shares, audio, start),
        is_calibrated,
        tuple(comparisons),
        reference,
        whole if reference else None,
        activity.layers,
        activity.difference,
        activity.reason,
    )


def _reference(text: str, bundle: Bundle, audio: Audio, name: str) -> tuple[str, ...]:
    """The words of a reference that the network can spell in that time."""
    words = tuple(normalize(text).split())
    if not words:
        raise ConfigError(f"{name}: the text has no word")
    spec = bundle.acoustic
    num_steps = spec.network.num_steps(spec.features.num_frames(len(audio.samples)))
    encode_target(text, spec.alphabet, num_steps, name)
    return words


def _heads(bundle: Bundle, activity: NetworkActivity) -> list[Head]:
    width = bundle.acoustic.alphabet.num_labels
    heads = [Head("characters", bundle.acoustic.alphabet, activity.log_probs[:, :width])]
    if bundle.acoustic.phones:
        heads.append(Head("phones", bundle.acoustic.phones, activity.log_probs[:, width:]))
    return heads


def _n_best(
    spec: DecoderSpec,
    decoder: NBestDecoder,
    search: SentenceSearch,
    head: Head,
    frame_seconds: float,
    audio: Audio,
) -> tuple[list[Hypothesis], bool]:
    """The n-best list, whose first hypothesis is what is recognised, and if it is calibrated."""
    found = decoder.search(head.log_probs, search)[:NUM_RIVALS]
    hypotheses = list(decoder.timed(found, head.log_probs, audio.duration))
    if spec.is_search:
        return hypotheses, decoder.is_calibrated
    greedy = GreedyDecoder(head.alphabet, frame_seconds, spec.calibration)
    (best,) = greedy.decode(head.log_probs, audio.duration)
    others = [hypothesis for hypothesis in hypotheses if hypothesis.text != best.text]
    return [best, *others][:NUM_RIVALS], greedy.is_calibrated


def _lms(assembly: DecoderAssembly, spec: DecoderSpec) -> tuple[str, ...]:
    """The names of the language models that are used."""
    if not assembly.ngrams:
        return ()
    uses_lstm = spec.neural_lm and spec.neural_lm_config.weight
    return ("n-gram", "LSTM") if uses_lstm else ("n-gram",)


def _explained_words(
    n_best: Sequence[Hypothesis], shares: Sequence[float], audio: Audio, start: float
) -> tuple[ExplainedWord, ...]:
    best = n_best[0]
    kept: set[Word] = set()
    if best.words:
        detector = SpeechDetector(audio.samples, audio.sample_rate)
        kept = set(plausible([best], detector.is_speech_possible)[0].words)
    return tuple(
        ExplainedWord(
            replace(word, start=start + word.start, end=start + word.end), others, word in kept
        )
        for word, others in zip(best.words, runners_up(n_best, shares), strict=True)
    )


def _with_paths(
    head: Head, whole: Comparison | None, text: str, reference: Sequence[str] | None
) -> Head:
    """An output with the best paths of the recognised text and of the reference.

    Args:
        head: The output.
        whole: What the decoder judged, with its labels; None: it reads another output, and the
            texts are spelled in characters.
        text: The recognised text.
        reference: The words of the reference; None: there is none.
    """
    if whole:
        labels = [whole.recognised.labels, whole.other.labels if reference else ()]
    elif head.alphabet.separator:
        labels = []
    else:
        known = set(head.alphabet.symbols)
        texts = [text, " ".join(reference or ())]
        labels = [tuple(head.alphabet.encode(t)) if known.issuperset(t) else () for t in texts]
    paths = [_path(head, own or ()) for own in labels]
    return replace(
        head,
        path=paths[0] if paths else (),
        reference_path=paths[1] if paths else (),
        is_decoded=whole is not None,
    )


def _path(head: Head, labels: Sequence[int]) -> tuple[Emission, ...]:
    """The labels on their best path; () if there are too many."""
    if min_steps(labels) > len(head.log_probs):
        return ()
    spans = align(head.log_probs, labels)
    return tuple(Emission(label, *span) for label, span in zip(labels, spans, strict=True))


def spectrogram(audio: Audio, features: FeatureConfig) -> NDArray[np.float32]:
    """The power of each frequency in each frame of the features.

    Args:
        audio: The utterance, at the sample rate of the features.
        features: Window and hop.

    Returns:
        (num_frames, fft_size // 2 + 1) in dB below the largest value, at least -RANGE_DB.
    """
    size, hop, window = features.fft_size, features.hop_samples, features.window_samples
    padded = np.pad(audio.samples, (size // 2, size // 2 + hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    frames = frames[: features.num_frames(len(audio.samples))]
    edge = (size - window) // 2
    shape = np.zeros(size, np.float32)
    shape[edge : edge + window] = np.hanning(window + 1)[:-1]
    powers = np.square(np.abs(np.fft.rfft(frames * shape, axis=1)))
    decibels = 10 * np.log10(np.maximum(powers, 1e-10))
    return np.asarray(np.maximum(decibels - decibels.max(), -RANGE_DB), np.float32)
