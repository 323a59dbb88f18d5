from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.bundle import Bundle, read_bundle
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.evaluation.tuning.trials import Trials


def with_decoder(path: Path, **files: Path) -> Bundle:
    return replace(read_bundle(path), decoder=DecoderSpec(**files))  # type: ignore[arg-type]


@pytest.fixture
def bundle(levels_bundle: Path, tiny_lm: Path) -> Bundle:
    """A bundle with a language model."""
    return with_decoder(levels_bundle, lm=tiny_lm)


@pytest.fixture
def manifest(tmp_path: Path, spoken: Callable[[str], NDArray[np.float32]]) -> Manifest:
    """Two recordings with a vowel that only a language model can tell, one clear, one missing."""
    for name, share in (("one", 0.48), ("two", 0.46), ("clear", 1.0)):
        samples = share * spoken("a hat") + (1 - share) * spoken("a hbt")
        soundfile.write(tmp_path / f"{name}.wav", samples, 16000, subtype="FLOAT")
    names = ("one", "two", "clear", "missing")
    utterances = [Utterance(name, f"{name}.wav", 0.2, "A hat!") for name in names]
    write_manifest(tmp_path / "m.jsonl", [*utterances, Utterance("untold", "x.wav", 1.0)])
    return Manifest(tmp_path / "m.jsonl")


@pytest.fixture
def trials(bundle: Bundle, manifest: Manifest) -> Iterator[Trials]:
    """What decodes those recordings."""
    with Trials(bundle) as trials:
        assert list(trials.run_network([manifest], max_utterances=10)) == ["missing"]
        yield trials
