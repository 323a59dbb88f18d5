import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import Audio, read_audio
from speechlstm.corpora import fingerprint
from speechlstm.corpora.fingerprint import Alike, Fingerprint, find_alike

SAMPLES = sorted((Path(__file__).parents[2] / "data" / "samples").glob("*.wav"))
SPEECH = [read_audio(path) for path in SAMPLES]
PRINTS = [Fingerprint.of(audio) for audio in SPEECH]


def encoded(samples: np.ndarray, rate: int, container: str, codec: str) -> Audio:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, codec, format=container)
    file.seek(0)
    return read_audio(file)


def test_different_recordings_are_different() -> None:
    assert find_alike(PRINTS) == []
    assert find_alike([]) == []


def test_copies_are_found_whatever_their_length() -> None:
    short = Fingerprint.of(Audio(SPEECH[0].samples[:1600], 16_000))
    pairs = find_alike([*PRINTS, short, PRINTS[3], short, PRINTS[3]])
    n = len(PRINTS)
    assert [(pair.first, pair.second, pair.is_copy) for pair in pairs] == [
        (3, n + 1, True), (3, n + 3, True), (n, n + 2, True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("MP3", "MPEG_LAYER_III"),
        ("OGG", "VORBIS"),
        pytest.param("OGG", "OPUS", marks=pytest.mark.slow),
    ],
)
def test_encoded_louder_and_later_is_the_same_sound(container: str, codec: str) -> None:
    n, changed = 4, []
    for audio in SPEECH[:n]:
        later = np.concatenate([np.zeros(4_321, np.float32), 0.5 * audio.samples])
        changed.append(Fingerprint.of(encoded(later, 16_000, container, codec)))
    pairs = find_alike([*PRINTS[:n], *changed])
    assert [(pair.first, pair.second) for pair in pairs] == [(i, i + n) for i in range(n)]
    for pair, audio in zip(pairs, SPEECH[:n], strict=True):
        assert not pair.is_copy
        assert pair.seconds == pytest.approx(audio.duration, abs=0.3)


def test_another_sample_rate_and_a_cut_are_the_same_sound() -> None:
    reading = SPEECH[[path.stem for path in SAMPLES].index("reading")]
    cut = Audio(reading.samples[8_000:40_000], 16_000)
    pairs = find_alike([Fingerprint.of(reading), Fingerprint.of(cut.resampled(22_050))])
    assert [(pair.first, pair.second, pair.is_copy) for pair in pairs] == [(0, 1, False)]
    assert pairs[0].seconds == pytest.approx(2.0, abs=0.3)


def test_large_corpora_are_searched_by_a_part_of_their_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noisy = [
        Fingerprint.of(Audio(a.samples + np.float32(1e-4), 16_000)) for a in SPEECH
    ]  # other samples, the same sound
    monkeypatch.setattr(fingerprint, "_MAX_WORDS", 400)
    pairs = find_alike([*PRINTS, *noisy])
    n = len(PRINTS)
    assert [(pair.first, pair.second) for pair in pairs] == [(i, i + n) for i in range(n)]


def test_noise_and_tones_are_not_confused() -> None:
    generator = np.random.default_rng(1)
    noises = [Audio(generator.normal(0, 0.1, 48_000).astype(np.float32), 16_000) for _ in range(6)]
    assert find_alike([Fingerprint.of(noise) for noise in noises]) == []
    assert Alike(0, 1, True, 1.0).is_copy
