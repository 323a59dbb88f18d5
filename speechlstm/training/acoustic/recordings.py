"""Recordings that an exported network is verified on."""

import sys
from collections.abc import Callable, Sequence
from operator import attrgetter

import numpy as np

from speechlstm.arguments import StrPath
from speechlstm.audio import Audio, read_audio
from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.errors import ManifestError


def read_recordings(
    manifests: Sequence[StrPath],
    sample_rate: int,
    max_utterances: int,
    max_samples: int | None = None,
    reference: Callable[[Utterance], str | None] = attrgetter("text"),
    field: str = "text",
) -> list[tuple[Audio, str]]:
    """Read recordings and references of utterances, evenly spaced over manifests.

    Args:
        manifests: The manifests; if there are none, sounds are synthesized.
        sample_rate: Samples a second to convert the recordings to.
        max_samples: Longer recordings are left out; None: no limit.
        reference: What the network is to find in an utterance; None: it is ignored.
        field: The field of the manifest that the reference is from.

    Raises:
        DataError: A manifest or recording cannot be read, no utterance has a reference, or all are
            too long.
    """
    if not manifests:
        return synthetic_recordings(sample_rate, max_samples)
    listed = [Manifest(path) for path in manifests]
    pairs = ((m.recording(u), reference(u)) for m in listed for u in m)
    utterances = [(path, text) for path, text in pairs if text is not None]
    if not utterances:
        reason = f"no utterance has a {field}: name others to verify the network on"
        raise ManifestError(listed[0].path, reason)
    chosen = utterances[:: -(-len(utterances) // max_utterances)]
    recordings = [(read_audio(path, sample_rate), text) for path, text in chosen]
    if max_samples is None:
        return recordings
    short = [(audio, text) for audio, text in recordings if len(audio.samples) <= max_samples]
    if not short:
        raise ManifestError(
            listed[0].path,
            f"no utterance is short enough for a network of {max_samples / sample_rate:g} s; name "
            "others to verify it on",
        )
    return short


def synthetic_recordings(sample_rate: int, max_samples: int | None) -> list[tuple[Audio, str]]:
    """Two sounds without words, for models that come without recordings to verify them on.

    Args:
        max_samples: The largest length; None: no limit.
    """
    generator = np.random.default_rng(0)
    recordings = []
    for seconds in (1.5, 2.75):
        num_samples = min(round(seconds * sample_rate), max_samples or sys.maxsize)
        time = np.arange(num_samples) / sample_rate
        rising = np.sin(2 * np.pi * (200 + 400 * time) * time) * np.sin(2 * np.pi * 3 * time)
        samples = 0.1 * rising + 0.01 * generator.normal(size=num_samples)
        recordings.append((Audio(samples.astype(np.float32), sample_rate), ""))
    return recordings
