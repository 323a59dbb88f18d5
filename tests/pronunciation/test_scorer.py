import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm import Audio
from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.cli import main
from speechlstm.decoding.goodness import goodness
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.errors import BundleError, DataError
from speechlstm.pronunciation import PronunciationScorer

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
ZIP = SAMPLES / "zip.wav"


@pytest.fixture(scope="module")
def scorer() -> PronunciationScorer:
    return PronunciationScorer.load()


def test_what_is_said_has_high_scores_and_what_is_not_has_low_ones(
    scorer: PronunciationScorer,
) -> None:
    right = scorer.score_file(ZIP, "One, eight, zero, zero: five.")
    wrong = scorer.score_file(ZIP, "One, nine, zero, zero: five.")
    assert [word.text for word in right.words] == ["One,", "eight,", "zero,", "zero:", "five."]
    assert right.words[1].score > 0.9 > 0.5 > wrong.words[1].score
    assert right.words[4].score == pytest.approx(wrong.words[4].score, abs=0.1)
    assert [phone.likeliest for phone in right.words[1].phones] == ["EY", "T"]
    assert right.score > wrong.score
    assert right.duration == pytest.approx(Audio.load(ZIP).duration)


def test_times_ascend_within_the_recording(scorer: PronunciationScorer) -> None:
    found = scorer.score_file(SAMPLES / "date.wav", "july fourth seventeen seventy six")
    edges = [edge for phone in found.phones for edge in (phone.start, phone.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0 and edges[-1] <= found.duration


class Spelled:
    """A model whose log-probabilities are given, in place of those of a recording."""

    sample_rate, frame_seconds = 16000, 0.03

    def __init__(self, log_probs: NDArray[np.float32]) -> None:
        phones = read_bundle(default_bundle()).acoustic.phones
        assert phones
        self.alphabet, self._log_probs = phones, log_probs

    def log_probs(self, audio: Audio) -> NDArray[np.float32]:
        return self._log_probs


def spelled(phones: str) -> PronunciationScorer:
    """A scorer to which each recording has these phones, each with a probability of 0.9."""
    bundle = read_bundle(default_bundle())
    assert bundle.acoustic.phones and bundle.decoder.lexicon
    labels = bundle.acoustic.phones.encode(phones)
    probs = np.full((2 * len(labels) + 1, 40), 0.1 / 39)
    for frame, label in enumerate(labels):
        probs[2 * frame + 1, label] = 0.9
    probs[::2, 0] = 0.9
    lexicon = LexiconTree.load(bundle.decoder.lexicon, bundle.acoustic.phones)
    model = Spelled(np.log(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32))
    return PronunciationScorer(model, lexicon, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["IY DH ER", "AY DH ER"])
def test_the_pronunciation_that_fits_best_is_taken(said: str) -> None:
    found = spelled(said).score(Audio(np.zeros(16000, np.float32), 16000), "either")
    assert " ".join(phone.phone for phone in found.phones) == said
    assert all(phone.is_likeliest for phone in found.phones)


@pytest.mark.slow
def test_a_phone_that_is_not_there_is_named() -> None:
    found = spelled("B AE").score(Audio(np.zeros(16000, np.float32), 16000), "bad")
    assert (found.phones[0].likeliest, found.phones[2].likeliest) == ("B", None)
    assert found.to_text().endswith("(none)")
    assert found.to_dict()["words"][0]["phones"][2]["likeliest"] is None
    other = spelled("D AE D").score(Audio(np.zeros(16000, np.float32), 16000), "bad")
    assert other.to_text().split("  ")[2].endswith("(D)")


def test_scores_are_the_goodness_of_the_phones() -> None:
    scorer = spelled("B AE D")
    probs = goodness(scorer._model.log_probs(Audio(np.zeros(1, np.float32), 16000)), [7, 2, 9])
    found = scorer.score(Audio(np.zeros(16000, np.float32), 16000), "bad")
    assert [p.score for p in found.phones] == pytest.approx([probs[0, 7], probs[1, 2], probs[2, 9]])
    assert found.words[0].score == found.score == np.mean([p.score for p in found.phones])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the text has no word"),
        ("...", "the text has no word"),
        ("room 18", "'18' has no pronunciation; write it out in letters"),
        ("one eight " * 60, "text needs .* frames, audio has"),
    ],
)
def test_texts_that_do_not_fit_are_refused(
    scorer: PronunciationScorer, text: str, expected: str
) -> None:
    with pytest.raises(DataError, match=f"zip.wav: {expected}"):
        scorer.score_file(ZIP, text)
    (entry,) = (entry for entry in os.scandir(Path(ZIP).parent) if entry.name == Path(ZIP).name)
    with pytest.raises(DataError, match=f"^{ZIP}: {expected}"):
        scorer.score_file(entry, text)  # type: ignore[arg-type]


def test_long_recordings_and_bundles_without_phones_are_refused() -> None:
    scorer = spelled("B AE D")
    with pytest.raises(DataError, match="lasts 61 s; pronunciations are scored in recordings"):
        scorer.score(Audio(np.zeros(61 * 16000, np.float32), 16000), "bad")
    with pytest.raises(BundleError, match="has no phones"):
        PronunciationScorer.load(default_bundle() / "model.tflite")


@pytest.fixture
def run() -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(main, ["pronunciation", *map(str, arguments)])


@pytest.mark.slow
def test_the_command_prints_text_and_json(run: Callable[..., Result], tmp_path: Path) -> None:
    text = tmp_path / "zip.txt"
    text.write_text("One eight zero zero five\n")
    lines = run(ZIP, text).stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["One", "eight", "zero", "zero", "five"]
    values = json.loads(run(ZIP, text, "--format", "json").stdout)
    assert [phone["phone"] for phone in values["words"][1]["phones"]] == ["EY", "T"]


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ([ZIP], 2, "needs either the file TEXT or --text WORDS"),
        (["-", "-"], 2, "only one of AUDIO and TEXT can be standard input"),
        ([ZIP, "--text", "1800"], 1, "'1800' has no pronunciation"),
        (["none.wav", "--text", "one"], 1, "none.wav: "),
        ([ZIP, "none.txt"], 1, "none.txt: No such file"),
    ],
)
def test_wrong_use_is_refused_in_one_line(
    run: Callable[..., Result], arguments: list[object], code: int, expected: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert expected in result.stderr
    assert code == 2 or result.stderr.count("\n") == 1
