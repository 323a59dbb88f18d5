from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec, read_bundle, write_bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import AlphabetError, ConfigError, InfeasibleTargetError
from speechlstm.explain import explain, to_text
from speechlstm.explain.explanation import typical_units
from speechlstm.explain.text import verdict
from speechlstm.recognizer import Recognizer
from speechlstm.text.alphabet import ENGLISH

ASSETS = Path(__file__).parents[1] / "assets"
READING = "data/samples/reading.wav"

Say = Callable[[str], NDArray[np.float32]]


@pytest.mark.slow
def test_what_is_explained_is_what_is_transcribed() -> None:
    explanation = explain(Audio.load(READING), start=5.0)
    transcript = Recognizer.load().transcribe_file(READING)
    assert explanation.text == transcript.text
    for explained, word in zip(explanation.words, transcript.words, strict=True):
        assert explained.word == replace(word, start=5 + word.start, end=5 + word.end)
        assert explained.is_kept
    assert explanation.is_calibrated
    assert len(explanation.spectrogram) == len(explanation.features)  # type: ignore[arg-type]
    loudest = explanation.spectrogram.argmax(axis=1)
    assert 0 < loudest.mean() < explanation.spectrogram.shape[1] / 2


@pytest.mark.slow
@pytest.mark.parametrize("silence", range(0, 480, 60))
def test_segments_fill_the_time_axis_wherever_they_begin(silence: int) -> None:
    """A segment begins within a step, so that it may have a step less or more than there is."""
    date = Audio.load("data/samples/date.wav")
    quiet = np.zeros(4 * date.sample_rate + silence, np.float32)
    audio = Audio(np.concatenate([*[date.samples, quiet] * 3, date.samples]), date.sample_rate)
    explanation = explain(audio, ASSETS / "interpreter.tflite")
    spec = explanation.spec
    num_frames = spec.features.num_frames(len(audio.resampled(spec.features.sample_rate).samples))
    assert len(explanation.segments) > 1
    assert len(explanation.spectrogram) == num_frames
    assert len(explanation.features) == num_frames  # type: ignore[arg-type]
    assert len(explanation.heads[0].log_probs) == spec.network.num_steps(num_frames)
    assert to_text(explanation)


@pytest.mark.slow
def test_a_recording_is_cut_where_transcribe_cuts_it() -> None:
    """At a change of level by 40 dB, and since it is longer than 20 s."""
    reading, date = (Audio.load(f"data/samples/{name}.wav") for name in ("reading", "date"))
    rate, quiet = reading.sample_rate, 0.01 * date.resampled(reading.sample_rate).samples
    audio = Audio(np.concatenate([*[reading.samples] * 7, *[quiet] * 2]), rate)
    explanation = explain(audio, fast=True)
    transcript = Recognizer.load(fast=True).transcribe(audio)
    assert len(explanation.segments) == 3
    assert explanation.text == transcript.text
    assert explanation.text.endswith("july fourth seventeen seventy six")
    assert [explained.word for explained in explanation.words] == list(transcript.words)
    num_steps = len(explanation.heads[0].log_probs)
    num_frames = len(explanation.spectrogram)
    assert num_steps == explanation.spec.network.num_steps(num_frames)
    assert len(explanation.features) == len(explanation.spectrogram)  # type: ignore[arg-type]
    assert {len(d.outputs) for layer in explanation.layers for d in layer} == {num_steps}
    head = next(head for head in explanation.heads if head.is_decoded)
    for explained in explanation.words:
        own = explanation.emissions(explained.word)
        assert own
        assert min(np.exp(head.log_probs[e.start : e.stop, e.label]).mean() for e in own) > 0.05


@pytest.mark.slow
def test_a_homophone_is_told_by_the_language_models_alone() -> None:
    text = "The old man opened the door and looked out at the see."
    explanation = explain(Audio.load(READING), text=text)
    (comparison,) = explanation.comparisons
    assert (comparison.words, comparison.others) == (("sea",), ("see",))
    assert comparison.sounds_alike
    assert comparison.emitted[1] == "S IY"
    assert comparison.start < explanation.words[-1].word.start < comparison.end
    assert verdict(comparison, explanation).startswith(
        'Both sound alike (S IY), the language model "sea" by '
    )
    shown = to_text(explanation)
    assert '"sea", not "see", the reference' in shown
    assert "The whole text" in shown
    characters, phones = explanation.heads
    assert characters.alphabet.decode([e.label for e in characters.reference_path])[-3:] == "see"
    assert [phones.symbol(e.label) for e in phones.path][-2:] == ["S", "IY"]


@pytest.mark.slow
def test_the_right_text_has_nothing_to_compare() -> None:
    text = "the old man opened the door and looked out at the sea"
    explanation = explain(Audio.load(READING), text=text, fast=True)
    assert explanation.comparisons == ()
    assert explanation.lms == ("n-gram",)
    assert "The recognised text is the reference." in to_text(explanation)


def test_without_a_language_model_only_the_labels_count(levels_bundle: Path, spoken: Say) -> None:
    audio = Audio(spoken("a bat"), 16000)
    explanation = explain(audio, levels_bundle, "a cat")
    assert explanation.text == "a bat"
    (comparison,) = explanation.comparisons
    assert comparison.recognized.lm == ()
    assert comparison.recognized.score > comparison.other.score
    assert comparison.emitted == ("␣bat",)
    shown = to_text(explanation, 3)
    assert "no language model" in shown
    assert "The gates are not known" in shown


def test_an_n_gram_model_has_its_say(
    levels_bundle: Path, tiny_lm: Path, spoken: Say, tmp_path: Path
) -> None:
    bundle = read_bundle(levels_bundle)
    path = tmp_path / "bundle"
    write_bundle(path, bundle.model_path.read_bytes(), bundle.acoustic, DecoderSpec(lm=tiny_lm))
    explanation = explain(Audio(spoken("a bat"), 16000), path, "a hat")
    assert explanation.text == "a bat"
    assert explanation.lms == ("n-gram",)
    (comparison,) = explanation.comparisons
    # Of tiny.arpa, base 10: <s> a hat -0.2; bat -2, after backing off by -0.1 (<s> a) and -0.1 (a)
    assert comparison.other.ngram[1] == pytest.approx(-0.2 * np.log(10), rel=1e-3)
    assert comparison.recognized.ngram[1] == pytest.approx(-2.2 * np.log(10), rel=1e-3)
    assert comparison.other.lstm == ()
    assert 'The acoustic model prefers "bat" by' in to_text(explanation)
    assert ', the language model "hat" by' in to_text(explanation)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.05, 2.0])
def test_silence_has_no_words_and_still_an_explanation(seconds: float) -> None:
    audio = Audio(np.zeros(round(16000 * seconds), np.float32), 16000)
    for text in (None, "a" if seconds < 1 else "hello there"):
        explanation = explain(audio, text=text)
        assert explanation.words == ()
        assert "(no words)" in to_text(explanation, 1)
        assert [comparison.words for comparison in explanation.comparisons] == (
            [()] if text else []
        )


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("naïve", AlphabetError, "'ï'"),
        ("room 42", AlphabetError, "'4'"),
        ("!", ConfigError, "clip: the text has no word"),
        ("far too many words " * 9, InfeasibleTargetError, "clip: text needs 179 frames"),
    ],
)
def test_a_text_that_cannot_be_spoken_is_refused(
    text: str, error: type[Exception], message: str
) -> None:
    audio = Audio(np.zeros(8000, np.float32), 16000)
    with pytest.raises(error, match=message):
        explain(audio, text=text, name="clip")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "memory"),
    [("gru", "from its update gate"), ("rnn", "no gates"), ("everywhere", "its forget gate")],
)
def test_other_cells(name: str, memory: str, spoken: Say) -> None:
    audio = Audio(spoken("hello hello hello"), 16000)
    explanation = explain(audio, ASSETS / f"{name}.tflite")
    shown = to_text(explanation, num_units=2)
    assert memory in shown
    assert shown.count("1→ unit") == (0 if name == "rnn" else 2)
    forward = explanation.layers[0][0]
    assert sorted(typical_units(forward, 99)) == [0, 1, 2, 3]
    if forward.half_lives is not None:
        ordered = forward.half_lives[typical_units(forward, 4)]
        assert (np.diff(ordered) >= 0).all()


def test_one_direction(tmp_path: Path) -> None:
    network = NetworkConfig(num_layers=1, num_units=4, bidirectional=False)
    spec = AcousticSpec(FeatureConfig(num_mels=16, num_mfcc=8), ENGLISH, network)
    write_bundle(tmp_path / "bundle", (ASSETS / "interpreter.tflite").read_bytes(), spec)
    # The file has two directions: what the description says does not fit, and is not shown.
    audio = Audio(np.zeros(16000, np.float32), 16000)
    assert "constants" in explain(audio, tmp_path / "bundle").reason
