"""The network of the package, on samples and on samples of which the voice is higher."""

from pathlib import Path

import numpy as np
import pytest

from speechlstm import Audio, Recognizer
from speechlstm.bundle import default_bundle
from speechlstm.diarization import Diarizer
from speechlstm.diarization.embedding import ASSET, ClassifierEmbedder, VoiceModel, load_embedder
from speechlstm.errors import BundleError, ConfigError
from speechlstm.transcript import Word

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"
LOUDNESS = ROOT / "tests" / "assets" / "loudness.tflite"


def sample(name: str, faster: float = 1.0) -> Audio:
    """A sample, or as if the speaker were smaller: played faster."""
    audio = Audio.load(SAMPLES / f"{name}.wav")
    return Audio(audio.samples, round(audio.sample_rate * faster)).resampled(audio.sample_rate)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_one_voice_is_closer_to_itself_than_to_another() -> None:
    model = VoiceModel()
    one, same, other = map(
        model.embed, (sample("reading"), sample("birthday"), sample("birthday", 1.25))
    )
    assert one.shape == model.variances.shape == (100,)
    assert (np.diff(model.variances) <= 0).all() and model.variances[-1] > 0
    assert cosine(one, same) > cosine(one, other) + 0.3


def test_loudness_is_no_voice() -> None:
    model, audio = VoiceModel(), sample("reading")
    quieter = Audio(audio.samples / 4, audio.sample_rate)
    assert cosine(model.embed(audio), model.embed(quieter)) > 0.99


@pytest.mark.parametrize("offset", [0.01, 0.4])
def test_an_offset_is_no_voice(offset: float) -> None:
    audio = sample("reading")
    audio = Audio(0.5 * audio.samples, audio.sample_rate)
    shifted = Audio(audio.samples + np.float32(offset), audio.sample_rate)
    words = [Word("all", 0.1, 3.4, 1.0)]
    pairs = zip(*(Diarizer.load().windows(a, words) for a in (audio, shifted)), strict=True)
    assert all(cosine(one.embedding, other.embedding) > 0.999 for one, other in pairs)


@pytest.mark.slow
def test_two_speakers_of_a_recording_are_told_apart() -> None:
    pieces = [sample("reading"), sample("birthday", 1.4)] * 2
    samples = np.concatenate([np.append(p.samples, np.zeros(4800, np.float32)) for p in pieces])
    edges = np.cumsum([p.duration + 0.3 for p in pieces])
    for speakers in ("auto", 2):
        recognizer = Recognizer.load(greedy=True, speakers=speakers)
        words = recognizer.transcribe(Audio(samples, 16000)).words
        expected = [1 + int(np.searchsorted(edges, word.start)) % 2 for word in words]
        assert [word.speaker for word in words] == expected
    with pytest.raises(ConfigError, match="not in streams"):
        recognizer.open_stream(16000)


def test_a_classifier_may_compute_embeddings() -> None:
    embedder = load_embedder(LOUDNESS)
    square = np.tile(np.array([1, -1], np.float32), 4000)
    soft, also, loud = (embedder.embed(Audio(level * square, 16000)) for level in (0.1, 0.12, 0.6))
    assert cosine(soft, also) > 0.9 > cosine(soft, loud)
    assert float(soft.sum()) == pytest.approx(0, abs=1e-3)


def test_a_damaged_network_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = bytearray(ASSET.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "model.tflite"
    damaged.write_bytes(content)
    monkeypatch.setattr("speechlstm.diarization.embedding.ASSET", damaged)
    with pytest.raises(BundleError, match=r"model\.tflite: .* or damaged: wrong checksum"):
        load_embedder(None)


@pytest.mark.slow
def test_other_bundles_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is a recogniser, not a classifier"):
        ClassifierEmbedder(default_bundle())
    with pytest.raises(ConfigError, match="speaker_bundle: has no effect without speakers"):
        Recognizer.load(speaker_bundle=LOUDNESS)
    monkeypatch.setattr("speechlstm.diarization.embedding.ASSET", tmp_path / "none.tflite")
    with pytest.raises(BundleError, match="has no network for speakers"):
        load_embedder(None)
