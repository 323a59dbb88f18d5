"""The package's network: what it restores, and that windows change nothing that matters."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.errors import BundleError
from speechlstm.readable import punctuation
from speechlstm.readable.marked_text import (
    CAPITALISED,
    CASES,
    LOWER,
    MARKS,
    PERIOD,
    QUESTION,
    SENTENCE_ENDS,
    marked_words,
)
from speechlstm.readable.punctuation import MIXED_CASE, Punctuator
from speechlstm.tflite.metadata import embed_metadata, read_described

_DIGEST_BYTES = 32


def network() -> Path:
    path = read_bundle(default_bundle()).decoder.punctuator
    assert path
    return path


@pytest.fixture(scope="module")
def punctuator() -> Punctuator:
    return Punctuator(network())


SENTENCES = (
    "he was born in london and moved to new york when he was ten do you know where he lives now "
    "i think he works for the government but i am not sure what is his name his name is john smith"
)
TEXT = SENTENCES.split()


def test_restores_sentences(punctuator: Punctuator) -> None:
    marks, cases = punctuator.restore(TEXT, [None] * len(TEXT))
    ends = {TEXT[n]: MARKS[mark] for n, mark in enumerate(marks) if mark in SENTENCE_ENDS}
    assert ends["now"] == "?"
    assert ends["smith"] == "."
    written = {word: CASES[case] for word, case in zip(TEXT, cases, strict=True)}
    for name in ("london", "york", "john", "smith", "i"):
        assert written[name] == "capitalised"
    for word in ("moved", "government", "where"):
        assert written[word] == "lower"


def test_the_end_of_a_recording_ends_a_sentence(punctuator: Punctuator) -> None:
    for words in (["and"], ["the"], ["are", "you"], ["yes"]):
        assert punctuator.restore(words, [None] * len(words))[0][-1] in SENTENCE_ENDS
    assert punctuator.restore([], []) == ([], [])


def test_a_pause_makes_an_end_more_likely(punctuator: Punctuator) -> None:
    words = ["we", "went", "to", "the", "market", "it", "was", "closed"]
    short, long = ([0.05] * len(words) for _ in range(2))
    long[4] = 0.8
    margins = []
    for pauses in (short, long):
        marks = punctuator.logits(words, pauses)[4, : len(MARKS)]
        margins.append(marks[PERIOD] - marks[0])
    assert margins[1] > margins[0] + 1


STORY = (
    "The harbour was quiet that morning, and most of the boats were still at sea.",
    "Did anyone see the light go out?",
    "My sister Anna, who lives in Boston, called the keeper at once.",
    "He said that the storm had broken a window.",
    "It took two men, a ladder and a new lamp to repair it.",
    "When will the next ship arrive?",
    "Nobody in the village knew, because the radio had stopped working.",
    "In the evening we walked along the beach, picked up some wood, and made a fire.",
    "The Atlantic is cold in October.",
    "Have you ever slept in a lighthouse, high above the waves?",
)


def test_windows_agree_with_the_whole(
    punctuator: Punctuator, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = np.random.default_rng(1).integers(len(STORY), size=120)
    words = [word.text for place in order for word in marked_words(STORY[place])]
    pauses = [0.1] * len(words)
    assert len(words) > 4 * punctuation._WINDOW
    windowed = punctuator.restore(words, pauses)
    monkeypatch.setattr(punctuation, "_WINDOW", len(words))
    whole = punctuator.restore(words, pauses)
    for some, all_of_them in zip(windowed, whole, strict=True):
        assert len(some) == len(words)
        same = [a == b for a, b in zip(some, all_of_them, strict=True)]
        assert np.mean(same) > 0.99


def test_questions_and_names_depend_on_what_stands_around_them(punctuator: Punctuator) -> None:
    asked = punctuator.restore(["what", "is", "your", "name"], [None] * 4)
    told = punctuator.restore(["that", "is", "your", "name"], [None] * 4)
    assert (asked[0][-1], told[0][-1]) == (QUESTION, PERIOD)
    assert asked[1] == [CAPITALISED, LOWER, LOWER, LOWER]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language": None}, "is not a punctuation network"),
        ({MIXED_CASE: ["iPhone"]}, "is not a punctuation network"),
        ({MIXED_CASE: {"iphone": 1}}, "is not a punctuation network"),
        ({MIXED_CASE: {"iphone": "i" * 300}}, "is not a punctuation network"),
        ({"mark_biases": [0.0]}, "is not a punctuation network"),
        ({"mark_biases": [0.0, 1.0, 2.0, 3.0, "4"]}, "is not a punctuation network"),
        ({"mark_biases": [0.0, 1.0, 2.0, 3.0, 1e9]}, "is not a punctuation network"),
        ({"num_buckets": 7}, "is for another version of speechlstm"),
        ({"marks": [".", ","]}, "is for another version of speechlstm"),
    ],
)
def test_another_description_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    content, description = read_described(network())
    path = tmp_path / "punctuator.tflite"
    path.write_bytes(embed_metadata(content[:-_DIGEST_BYTES], description | change))
    with pytest.raises(BundleError, match=message):
        Punctuator(path)


def test_other_networks_and_damage_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a punctuation network"):
        Punctuator(default_bundle() / "pronouncer.tflite")
    content = bytearray(network().read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.tflite").write_bytes(content)
    with pytest.raises(BundleError, match="damaged"):
        Punctuator(tmp_path / "a.tflite")
    with pytest.raises(BundleError, match="No such file"):
        Punctuator(tmp_path / "missing.tflite")
