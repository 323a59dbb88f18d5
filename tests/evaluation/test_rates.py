"""Rates of sentences, phones, entities, rare words and silence: jiwer, brute force, by hand."""

import random
from collections import Counter
from pathlib import Path

import jiwer
import numpy as np
import pytest

from speechlstm.bundle import default_bundle
from speechlstm.errors import DataError
from speechlstm.evaluation.entities import NUMBERS, EntityPattern, entity_errors, read_entities
from speechlstm.evaluation.metrics import ErrorCounts, Score, align_words
from speechlstm.evaluation.phones import by_bundle, by_lexicon, phone_errors
from speechlstm.evaluation.rates import measure_rates
from speechlstm.evaluation.report import EvaluationReport


def random_scores(number: int, words: str = "a b c d e f g") -> list[Score]:
    generator = random.Random(3)
    vocabulary = words.split()
    weights = [2.0**-n for n in range(len(vocabulary))]

    def text() -> str:
        return " ".join(generator.choices(vocabulary, weights, k=generator.randrange(1, 9)))

    references = [text() for _ in range(number)]
    return [Score(f"u{n}", r, r if n % 3 == 0 else text()) for n, r in enumerate(references)]


def test_sentence_errors_are_counted_by_brute_force() -> None:
    scores = random_scores(50)
    rates = measure_rates(scores)
    assert rates.ser == np.mean([score.reference != score.hypothesis for score in scores])


def test_word_frequencies_by_brute_force() -> None:
    scores = random_scores(60)
    groups = measure_rates(scores).frequencies
    occurrences = Counter(w for score in scores for w in score.reference.split())
    for name, counts in groups.items():
        low, _, high = name.partition(" to ")
        last = int(high or low) if "or more" not in name else 10**9
        first = int(low.split()[0])
        members = [w for w, n in occurrences.items() if first <= n <= last]
        assert counts.num_reference == sum(occurrences[w] for w in members)
        wrong = 0
        for score in scores:  # by jiwer's own picture of the alignment
            output = jiwer.process_words(score.reference, score.hypothesis)
            for chunk in output.alignments[0]:
                if chunk.type in ("substitute", "delete"):
                    found = output.references[0][chunk.ref_start_idx : chunk.ref_end_idx]
                    wrong += sum(word in members for word in found)
        assert counts.num_errors == wrong
        assert counts.insertions == 0
    total = sum(groups.values(), start=ErrorCounts())
    whole = EvaluationReport(tuple(scores)).words
    assert (total.hits, total.substitutions, total.deletions) == (
        whole.hits,
        whole.substitutions,
        whole.deletions,
    )


def test_insertions_in_silence_are_per_minute() -> None:
    scores = [
        Score("a", "", "oh no", duration=20.0),
        Score("b", "", "", duration=70.0),
        Score("c", "yes", "yes yes", duration=5.0),
    ]
    rates = measure_rates(scores)
    assert rates.silent_seconds == 90
    assert rates.insertions_per_silent_minute == pytest.approx(2 / 1.5)
    assert measure_rates([Score("a", "", "oh")]).insertions_per_silent_minute is None


def test_real_time_factors_are_quantiles_over_utterances() -> None:
    scores = [Score(f"u{n}", "a", "a", None, None, 2.0, 0.2 * n) for n in range(1, 22)]
    median, high = measure_rates(scores).rtf or (0, 0)
    assert (median, high) == pytest.approx((1.1, 2.0))
    assert measure_rates([Score("u", "a", "a")]).rtf is None


@pytest.mark.parametrize(
    ("reference", "hypothesis", "counts", "num_correct"),
    [
        ("room twenty two", "room twenty two", (2, 0, 0, 0), 1),
        ("room twenty two", "room twenty too", (1, 1, 0, 0), 0),
        ("twenty two rooms", "oh twenty two rooms", (2, 0, 0, 0), 1),  # inserted before it
        ("twenty two rooms", "twenty oh two rooms", (2, 0, 0, 1), 0),  # inserted within it
        ("go to two rooms", "go to rooms", (0, 0, 1, 0), 0),
        ("one dog two cats", "won dog two cats", (1, 1, 0, 0), 1),
        ("no dogs", "two dogs", None, 0),  # a number in the hypothesis alone
        ("the 21st of may", "the 21st of may", (1, 0, 0, 0), 1),
        ("someone", "someone", None, 0),
    ],
)
def test_errors_in_numbers_by_hand(
    reference: str, hypothesis: str, counts: tuple[int, ...] | None, num_correct: int
) -> None:
    found = entity_errors([align_words(reference, hypothesis)], [NUMBERS])
    if counts is None:
        assert found["numbers"].num_entities == 0
    else:
        assert found["numbers"].words == ErrorCounts(*counts)
        assert found["numbers"].num_correct == num_correct


def test_kinds_that_match_nothing_are_said() -> None:
    scores = [Score(f"u{i}", "go to boston", "go to austin") for i in range(2)]
    patterns = [NUMBERS, EntityPattern.of("city", "boston"), EntityPattern.of("river", "elbe")]
    rates = measure_rates(scores, patterns)
    assert list(rates.entities) == ["city", "river"]
    assert rates.to_dict()["entities"]["river"] == {
        "wer": None,
        "words": {"hits": 0, "substitutions": 0, "deletions": 0, "insertions": 0},
        "entities": 0,
        "correct": 0,
    }
    assert "river: in none of the references" in list(rates.lines())


def test_entities_that_are_everything_give_the_wer() -> None:
    scores = random_scores(40)
    everything = EntityPattern.of("all", ".*")
    found = entity_errors([score.alignment for score in scores], [everything])["all"]
    whole = EvaluationReport(tuple(scores)).words
    assert found.words.num_reference == whole.num_reference
    assert found.words.substitutions + found.words.deletions == (
        whole.substitutions + whole.deletions
    )
    assert found.num_entities == 40


def test_entities_are_read_with_their_kinds(tmp_path: Path) -> None:
    path = tmp_path / "entities.txt"
    path.write_text(
        "# places\ncity: New York|boston\n\naspirin( forte)?\ncity: (?:san )?[[d]iego\n"
    )
    patterns = read_entities(path)
    assert [pattern.name for pattern in patterns] == ["city", "entities", "city"]
    alignment = align_words(
        "from new york to diego with aspirin forte", "from new york to diego with aspirin four"
    )
    found = entity_errors([alignment], patterns)
    assert (found["city"].num_entities, found["city"].num_correct) == (2, 2)
    assert (found["entities"].words.rate, found["entities"].num_correct) == (0.5, 0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "has no pattern"),
        (b"# only this\n", "has no pattern"),
        (b"good\ncity: (new\n", ":2: '\\(new' is no regular expression"),
        (b"x{99999999999}", "is no regular expression"),
        (b"\xff", "not UTF-8"),
        (b"a" * 3000, "more than 2000"),
        (b"(" * 1500, "is no regular expression"),
    ],
)
def test_wrong_patterns_are_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "entities.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_entities(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_entities(tmp_path)


def test_phone_errors_are_those_of_jiwer_on_phones(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.dict"
    path.write_text("two T UW1\nto T UW1\nto(2) T AH0\nfour F AO1 R\nfor F ER0\na AH0\n")
    texts = [("two four", "to for a"), ("four", "four"), ("two", "unknown"), ("", "to")]
    found = phone_errors(texts, by_lexicon(path))
    assert found.num_left_out == 1
    phones = [("T UW F AO R", "T UW F ER AH"), ("F AO R", "F AO R"), ("", "T UW")]
    expected = [jiwer.process_words(*pair) for pair in phones]
    assert found.counts.num_errors == sum(
        o.substitutions + o.deletions + o.insertions for o in expected
    )
    assert found.counts.num_reference == 8


def test_patterns_may_be_written_as_texts_are(tmp_path: Path) -> None:
    path = tmp_path / "cities.txt"
    path.write_text("city: O\u2019Hare|Mu\u0308nchen\n", encoding="utf-16")
    scores = [Score("u1", "to o'hare", "to a hare"), Score("u2", "m\u00fcnchen", "m\u00fcnchen")]
    found = measure_rates(scores, read_entities(path)).entities["city"]
    assert (found.num_entities, found.num_correct) == (2, 1)


def test_no_phone_error_rate_is_measured_where_nothing_can_be_pronounced() -> None:
    scores = [Score("u1", "yes", "no"), Score("u2", "stop", "")]
    rates = measure_rates(scores, pronounce=lambda words: {})
    assert rates.to_dict()["per"] is None
    assert "PER not measured of 0 phones; 2 utterances without pronunciation" in [*rates.lines()]
    found = measure_rates(scores, pronounce=lambda words: dict.fromkeys(words, ("Y",)))
    assert found.to_dict()["per"] == 0.5
    silence = measure_rates([Score("u1", "", "")], pronounce=lambda words: {})
    assert silence.to_dict()["per"] == 0


def test_the_bundle_pronounces_known_words_and_others() -> None:
    pronounce = by_bundle(default_bundle())
    assert pronounce is not None
    found = pronounce({"cat", "blorptastic", "42"})
    assert found["cat"] == ("K", "AE", "T")
    assert len(found["blorptastic"]) > 5
    assert "42" not in found


def test_rates_are_in_the_json_and_the_text() -> None:
    scores = (Score("a", "one two", "one too", duration=2.0, compute_seconds=1.0),)
    report = EvaluationReport(scores, audio_seconds=2.0, compute_seconds=1.0)
    rates = report.to_dict()["rates"]
    assert rates["ser"] == 1
    assert rates["entities"]["numbers"]["wer"] == 0.5
    assert (rates["rtf_median"], rates["per"]) == (0.5, None)
    text = report.to_text(0)
    assert "SER 100.00%: 1 of 1 utterances" in text
    assert "numbers: WER 50.00% of 2 words; 0 of 1 without an error" in text
