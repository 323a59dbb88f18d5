"""Explains the recognition of an utterance."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from speechlstm.arguments import StrPath
from speechlstm.audio import Audio
from speechlstm.audio.segments import split
from speechlstm.bundle import Bundle, find_bundle, read_bundle
from speechlstm.config import FeatureConfig
from speechlstm.decoding.alignment import align
from speechlstm.decoding.assemble import DecoderAssembly
from speechlstm.decoding.nbest import probabilities
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.decoding.timed_words import Emission, frame_times
from speechlstm.errors import ConfigError
from speechlstm.explain.comparing import Comparer
from speechlstm.explain.explanation import RANGE_DB, Comparison, ExplainedWord, Explanation, Head
from speechlstm.explain.network import NetworkActivity, joined, run_network
from speechlstm.explain.recognition import joined_n_best, recognize
from speechlstm.explain.rivals import runners_up
from speechlstm.explain.scoring import TextScorer
from speechlstm.text.normalize import normalize
from speechlstm.text.targets import encode_target, min_steps
from speechlstm.transcript import Hypothesis


def explain(
    audio: Audio,
    bundle: StrPath | None = "english",
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
        audio: The utterance, at any sample rate. As `transcribe` does, it is cut into segments of
            at most 20 s, and where its level changes by much.
        bundle: As in `Recognizer.load`.
        text: What was spoken, if that is known.
        fast: As in `Recognizer.load`.
        start: Where the audio starts in its recording, in seconds.

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
    segments = list(split(audio))
    starts = [at for at, _ in segments]
    firsts = [round(at / frame_seconds) for at in starts]
    activities = run_network(contents, [segment for _, segment in segments])
    frames = [first * contents.acoustic.network.frame_stack for first in firsts]
    num_frames = contents.acoustic.features.num_frames(len(audio.samples))
    activity = joined(
        activities,
        np.diff([*firsts, _num_steps(contents, audio)]).tolist(),
        np.diff([*frames, num_frames]).tolist(),
    )
    assembly = DecoderAssembly(spec, contents.acoustic.alphabet, contents.acoustic.phones)
    decoder = assembly.decoder(frame_seconds)
    heads = _heads(contents, activity)
    read = heads[assembly.reads_phones]
    found = [
        recognize(
            spec, decoder, _heads(contents, one)[assembly.reads_phones], frame_seconds, segment
        )
        for one, (_, segment) in zip(activities, segments, strict=True)
    ]
    n_best = joined_n_best(starts, found)
    shares = probabilities([hypothesis.score for hypothesis in n_best]).tolist()
    ends = [at + end for at, one in zip(firsts, found, strict=True) for end in one.ends]
    scorer = TextScorer(spec, assembly, decoder, read.log_probs, ends)
    times = frame_times(len(read.log_probs), frame_seconds, audio.duration)
    comparer = Comparer(n_best, shares, scorer, heads, times, start)
    comparisons, whole = comparer.compare(reference)
    return Explanation(
        name=name,
        audio=audio,
        start=start,
        spec=contents.acoustic,
        config=spec.config,
        lms=_lms(assembly, spec),
        heads=tuple(
            _with_paths(head, whole if head is read else None, n_best[0].text, reference)
            for head in heads
        ),
        spectrogram=spectrogram(audio, contents.acoustic.features),
        features=activity.features,
        words=_explained_words(
            n_best, shares, chain.from_iterable(o.are_kept for o in found), start
        ),
        is_calibrated=found[0].is_calibrated,
        comparisons=tuple(comparisons),
        reference=reference,
        whole=whole if reference else None,
        layers=activity.layers,
        difference=activity.difference,
        reason=activity.reason,
        segments=tuple(zip(firsts, (segment for _, segment in segments), strict=True)),
    )


def _reference(text: str, bundle: Bundle, audio: Audio, name: str) -> tuple[str, ...]:
    """The words of a reference that the network can spell in that time."""
    words = tuple(normalize(text).split())
    if not words:
        raise ConfigError(f"{name}: the text has no word")
    encode_target(text, bundle.acoustic.alphabet, _num_steps(bundle, audio), name)
    return words


def _num_steps(bundle: Bundle, audio: Audio) -> int:
    spec = bundle.acoustic
    return spec.network.num_steps(spec.features.num_frames(len(audio.samples)))


def _heads(bundle: Bundle, activity: NetworkActivity) -> list[Head]:
    width = bundle.acoustic.alphabet.num_labels
    heads = [Head("characters", bundle.acoustic.alphabet, activity.log_probs[:, :width])]
    if bundle.acoustic.phones:
        heads.append(Head("phones", bundle.acoustic.phones, activity.log_probs[:, width:]))
    return heads


def _lms(assembly: DecoderAssembly, spec: DecoderSpec) -> tuple[str, ...]:
    """The names of the language models that are used."""
    if not assembly.ngrams:
        return ()
    uses_lstm = spec.neural_lm and spec.neural_lm_config.weight
    return ("n-gram", "LSTM") if uses_lstm else ("n-gram",)


def _explained_words(
    n_best: Sequence[Hypothesis], shares: Sequence[float], are_kept: Iterable[bool], start: float
) -> tuple[ExplainedWord, ...]:
    words, others = n_best[0].words, runners_up(n_best, shares)
    return tuple(
        ExplainedWord(
            replace(word, start=start + word.start, end=start + word.end), runners, is_kept
        )
        for word, runners, is_kept in zip(words, others, are_kept, strict=True)
    )


def _with_paths(
    head: Head, whole: Comparison | None, text: str, reference: Sequence[str] | None
) -> Head:
    """An output with the best paths of the recognised text and of the reference.

    Args:
        whole: What the decoder judged, with its labels; None: it reads another output, and the
            texts are spelled in characters.
        reference: The words of the reference; None: there is none.
    """
    if whole:
        labels = [whole.recognized.labels, whole.other.labels if reference else ()]
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
