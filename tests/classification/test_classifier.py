"""Classification by a network that hears how loud a recording is; see tests/assets/README.md."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import Audio
from speechlstm.bundle import read_bundle, read_classifier
from speechlstm.classification import Classifier, label_of
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import AudioError, BundleError, DamagedAudioError

LOUDNESS = Path(__file__).parents[1] / "assets" / "loudness.tflite"
LEVELS = np.array([0.1, 0.3, 0.6])  # of the classes soft, medium and loud
SQUARE = np.tile(np.repeat(np.array([1, -1], np.float32), 20), 10_000)  # 25 s at 16 kHz


def expected(level: float) -> np.ndarray:
    """The probabilities of the classes, by hand."""
    scores = np.exp(-100 * (level - LEVELS) ** 2)
    return scores / scores.sum()


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(LOUDNESS)


@pytest.mark.parametrize(("level", "label"), [(0.12, "soft"), (0.25, "medium"), (0.9, "loud")])
def test_gives_the_classes_by_probability(classifier: Classifier, level: float, label: str) -> None:
    found = classifier.classify(Audio(level * SQUARE[:8000], 16000))
    assert found.label == label
    by_class = dict(zip(classifier.classes, expected(level), strict=True))
    assert found.probabilities == pytest.approx(by_class, abs=1e-5)
    assert [*found.probabilities.values()] == sorted(found.probabilities.values(), reverse=True)
    assert found.duration == 0.5


def test_converts_recordings_of_another_rate(
    classifier: Classifier, write_sound: Callable[..., Path]
) -> None:
    path = write_sound("a.wav", 0.3, rate=8000)
    assert classifier.classify_file(path).label == "medium"
    samples, rate = soundfile.read(path, dtype="float32")
    assert classifier.classify(Audio(samples, rate)).label == "medium"


@pytest.mark.parametrize("offset", [0.01, 0.3])
def test_an_offset_is_no_loudness(classifier: Classifier, offset: float) -> None:
    audio = Audio(0.1 * SQUARE[:8000], 16000)
    shifted = Audio(audio.samples + np.float32(offset), 16000)
    assert classifier.embed(shifted) == pytest.approx(classifier.embed(audio), abs=1e-5)


def test_what_has_no_path_is_refused_with_what_to_do(classifier: Classifier) -> None:
    with pytest.raises(TypeError, match=r"Audio\.load reads file objects"):
        classifier.classify_file(io.BytesIO(b"RIFF"))  # type: ignore[arg-type]


def test_embeds(classifier: Classifier, tmp_path: Path) -> None:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 16000).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    moments = [np.abs(samples).mean(), np.abs(samples).std()]
    assert classifier.embed(Audio(samples, 16000)) == pytest.approx(moments, abs=1e-5)
    assert classifier.embed_file(tmp_path / "a.wav") == pytest.approx(moments, abs=1e-5)


def test_long_recordings_are_means_over_their_segments(classifier: Classifier) -> None:
    # Cut in the only pause, at 15 s: 15 s that are loud, then 10 s that are soft.
    samples = np.repeat([0.6, 0.1], [15 * 16000, 10 * 16000]) * SQUARE
    pause = slice(15 * 16000 - 1600, 15 * 16000 + 1600)
    samples[pause] = 0
    found = classifier.classify(Audio(samples.astype(np.float32), 16000))
    weighted = 0.6 * expected(0.6) + 0.4 * expected(0.1)
    assert [found.probabilities[name] for name in classifier.classes] == pytest.approx(
        weighted, abs=0.03
    )
    embedding = classifier.embed(Audio(samples.astype(np.float32), 16000))
    assert embedding[0] == pytest.approx(np.abs(samples).mean(), abs=1e-4)


def test_a_truncated_recording_has_the_result_of_its_rest(
    classifier: Classifier, write_sound: Callable[..., Path]
) -> None:
    path = write_sound("a.wav", 0.6, seconds=2)
    path.write_bytes(path.read_bytes()[:-64000])
    with pytest.raises(DamagedAudioError, match="is truncated") as caught:
        classifier.classify_file(path)
    assert caught.value.partial.label == "loud"


def test_an_unreadable_recording_is_an_error(classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(AudioError, match=r"a\.wav"):
        classifier.classify_file(tmp_path / "a.wav")


def test_the_tasks_of_bundles_are_told_apart(levels_bundle: Path) -> None:
    with pytest.raises(BundleError, match="is a recogniser, not a classifier"):
        Classifier.load(levels_bundle)
    with pytest.raises(BundleError, match="is a classifier, not a recogniser"):
        read_bundle(LOUDNESS)


def test_the_spec_is_in_the_file() -> None:
    spec = read_classifier(LOUDNESS).spec
    assert (spec.classes, spec.label) == (("soft", "medium", "loud"), "label")


def test_labels_are_fields_of_a_manifest() -> None:
    utterance = Utterance("a1", "a1.wav", 1.5, "Turn LEFT!", "anna", label="go")
    assert [label_of(utterance, field) for field in ("label", "speaker", "text")] == [
        "go", "anna", "turn left",
    ]  # fmt: skip
    silence = Utterance("a1", "a1.wav", 1.5, "")
    assert {label_of(silence, field) for field in ("label", "speaker", "text")} == {None}
