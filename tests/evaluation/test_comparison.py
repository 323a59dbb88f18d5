"""Comparison of recognisers: against NIST's sc_stats, brute force and cases counted by hand."""

import json
import math
import random
from itertools import product
from pathlib import Path

import jiwer
import numpy as np
import pytest

from speechlstm.errors import DataError
from speechlstm.evaluation.comparison import Wins, compare_reports
from speechlstm.evaluation.comparison_page import to_page
from speechlstm.evaluation.comparison_text import to_text
from speechlstm.evaluation.metrics import AlignedWords, ErrorCounts, Score, align_words
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.report_file import read_report
from speechlstm.evaluation.significance import error_segments, holm, matched_pairs, paired_bootstrap


def corrupted(words: list[str], generator: random.Random, probability: float) -> list[str]:
    """Words with substitutions, deletions and insertions that can be aligned in one way only."""
    result = []
    for word in words:
        drawn = generator.random()
        if drawn < probability:
            result.append(f"x{generator.randrange(10**6)}")
        elif drawn >= 1.5 * probability:
            result.append(word)
        if generator.random() < probability / 2:
            result.append(f"y{generator.randrange(10**6)}")
    return result


# sclite -r ref.trn trn -h A.trn trn -i spu_id -o sgml (and B.trn), then
# cat A.sgml B.sgml | sc_stats -p -t mapsswe -v -n out, of SCTK 2.4.12, on the texts of the test.
@pytest.mark.parametrize(
    ("seed", "num_texts", "probabilities", "num_segments", "mean", "z"),
    [
        (1, 80, (0.15, 0.10), 198, 0.581, 5.049),
        (2, 300, (0.10, 0.12), 753, -0.086, -1.628),
        (3, 60, (0.02, 0.30), 152, -2.836, -16.250),
    ],
)
def test_matched_pairs_are_those_of_sc_stats(
    seed: int,
    num_texts: int,
    probabilities: tuple[float, float],
    num_segments: int,
    mean: float,
    z: float,
) -> None:
    generator = random.Random(seed)
    references = [
        [f"w{i}_{j}" for j in range(generator.randrange(3, 25))] for i in range(num_texts)
    ]
    systems = [[corrupted(r, generator, p) for r in references] for p in probabilities]
    one, other = (
        [align_words(*map(" ".join, texts)) for texts in zip(references, system, strict=True)]
        for system in systems
    )
    found = matched_pairs(list(zip(one, other, strict=True)))
    assert found.num_segments == num_segments
    assert -found.mean == pytest.approx(mean, abs=5e-4)  # sc_stats has A minus B
    assert found.z is not None
    assert -found.z == pytest.approx(z, abs=5e-4)


def test_matched_pairs_of_the_example_that_sctk_publishes() -> None:
    """src/sclite/testdata/file1.sgml and file2.sgml: 3 segments, mean 0.667, z 2.000."""
    # The alignments as they stand there; C, S, D and I for each word.
    one, other = "CDSCSSSCCDCII", "CDSCSSSCCSS"
    pairs = [([AlignedWords(None, "s.")], []), (aligned(one), aligned(other))]
    found = matched_pairs(pairs)
    assert found.num_segments == 3
    assert -found.mean == pytest.approx(2 / 3)
    assert found.z == pytest.approx(-2)
    assert found.p == pytest.approx(0.0455, abs=5e-5)


def aligned(evaluations: str) -> list[AlignedWords]:
    kinds = {"C": ("w", "w"), "S": ("w", "x"), "D": ("w", None), "I": (None, "x")}
    return [AlignedWords(*kinds[kind]) for kind in evaluations]


@pytest.mark.parametrize(
    ("one", "other", "segments"),
    [
        ("CCCC", "CCCC", []),
        ("SCCS", "CCCC", [(1, 0), (1, 0)]),
        ("SCS", "CCC", [(2, 0)]),  # one word between them is not enough
        ("SCICS", "CCCC", [(3, 0)]),  # nor are two with an insertion between them
        ("CCI", "CC", [(1, 0)]),
        ("CC", "ICC", [(0, 1)]),
        ("I", "", [(1, 0)]),
        ("SS", "DD", [(2, 2)]),
        ("SCCC", "CCCS", [(1, 0), (0, 1)]),
    ],
)
def test_segments_by_hand(one: str, other: str, segments: list[tuple[int, int]]) -> None:
    assert list(error_segments(aligned(one), aligned(other))) == segments


def test_p_without_a_standard_error_is_that_of_the_exact_test() -> None:
    for count in range(1, 8):
        pairs = [(aligned("S"), aligned("C"))] * count
        sums = [abs(sum(signs)) for signs in product((-1, 1), repeat=count)]
        assert matched_pairs(pairs).p == pytest.approx(np.mean([s >= count for s in sums]))
        assert matched_pairs(pairs).z is None
    assert matched_pairs([]).p == 1
    assert matched_pairs([(aligned("S"), aligned("D"))]).p == 1


def test_p_is_close_to_that_of_the_exact_test_by_brute_force() -> None:
    generator = np.random.default_rng(5)
    numbers = generator.integers(0, 4, (14, 2))
    pairs = [tuple(aligned("S" * n + "C" * (4 - n)) for n in pair) for pair in numbers]
    found = matched_pairs(pairs)
    differences = np.array([b - a for a, b in numbers])
    signs = np.array(list(product((-1, 1), repeat=len(differences))))
    sums, total = np.abs(signs @ differences), abs(differences.sum())
    exact = (sums > total).mean() + (sums == total).mean() / 2  # half of the ties: mid-p
    assert found.p == pytest.approx(exact, abs=0.05)


def test_the_bootstrap_is_that_of_all_resamples() -> None:
    counts = [(1, 0, 10), (2, 3, 8), (5, 1, 12), (0, 1, 6)]
    units = [(ErrorCounts(n - a, a), ErrorCounts(n - b, b)) for a, b, n in counts]
    every = []
    for drawn in product(range(4), repeat=4):
        errors = sum(counts[i][1] - counts[i][0] for i in drawn)
        every.append(errors / sum(counts[i][2] for i in drawn))
    found = paired_bootstrap(units)
    expected = np.quantile(every, [0.025, 0.975])
    assert found.interval == pytest.approx(expected, abs=0.03)
    better = np.mean([(d < 0) + (d == 0) / 2 for d in every])
    assert found.share_better == pytest.approx(better, abs=0.02)


def test_holm_by_hand() -> None:
    # Holm 1979: the smallest times 4, the next times 3, ..., never below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def report(*scores: Score) -> EvaluationReport:
    return EvaluationReport(scores)


A = report(
    Score("u1", "yes stop right", "yes stops right", "anna"),
    Score("u2", "go left", "go left", "anna"),
    Score("u3", "", "oh", "ben"),
    Score("u4", "one two three four", "one two three", "ben"),
)
B = report(
    Score("u2", "go left", "go lift", "anna"),
    Score("u1", "yes stop right", "yes stop right", "anna"),
    Score("u3", "", "", "ben"),
    Score("u5", "only here", "only here", "ben"),
    Score("u4", "one two three four", "one two three", "ben"),
)


def test_a_comparison_counted_by_hand() -> None:
    comparison = compare_reports([("a", A), ("b", B)])
    assert comparison.num_left_out == (0, 1)
    pair = comparison.pairs[0, 1]
    assert [c.num_errors for c in pair.words] == [3, 2]
    assert pair.difference == pytest.approx(-1 / 9)
    assert pair.by_utterance == Wins(1, 2, 1)
    assert {name: [c.num_errors for c in counts] for name, counts in pair.speakers.items()} == {
        "anna": [1, 1],
        "ben": [2, 1],
    }
    assert {name: [c.num_errors for c in counts] for name, counts in pair.lengths.items()} == {
        "0": [1, 0],
        "2 to 3": [1, 1],
        "4 to 7": [1, 1],
    }
    words = {w.word: (w.num_occurrences, w.one, w.other) for w in pair.reference_words}
    assert words == {"stop": (1, 1, 0), "left": (1, 0, 1), "four": (1, 1, 1)}
    assert [a.id for a, _ in pair.largest_differences(9)] == ["u1", "u2", "u3"]
    texts = [[score.hypothesis for score in scores] for scores in zip(*pair.scores, strict=True)]
    references = [a.reference for a, _ in pair.scores if a.reference]
    for hypotheses, counts in zip(texts, pair.words, strict=True):
        spoken = [h for h, (a, _) in zip(hypotheses, pair.scores, strict=True) if a.reference]
        inserted = sum(len(h.split()) for h in hypotheses) - sum(len(h.split()) for h in spoken)
        assert jiwer.wer(references, spoken) * 9 + inserted == pytest.approx(counts.num_errors)


def test_a_report_and_itself_differ_by_nothing() -> None:
    comparison = compare_reports([("a", A), ("a", A)])
    values = json.loads(json.dumps(comparison.to_dict()))["pairs"][0]
    assert values["wer_difference"] == 0
    assert values["wer_difference_interval"] == [0, 0]
    assert values["matched_pairs"]["p"] == values["p_holm"] == 1
    assert values["share_of_resamples_better"] == 0.5
    assert "+0.00%" in to_text(comparison, 5)


def test_three_reports_are_compared_in_pairs() -> None:
    better = report(*(Score(f"u{n}", "yes stop right", "yes stop right") for n in range(60)))
    worse = report(*(Score(f"u{n}", "yes stop right", "yes stops right") for n in range(60)))
    mixed = report(*(worse.scores[:30] + better.scores[30:]))
    comparison = compare_reports([("better", better), ("worse", worse), ("mixed", mixed)])
    p = [pair.matched_pairs.p for pair in comparison.pairs.values()]
    assert list(comparison.adjusted.values()) == pytest.approx(holm(p))
    assert p[0] == pytest.approx(2.0**-59)
    text, document = to_text(comparison, 5), to_page(comparison)
    for name in ("B - A", "C - A", "C - B"):
        assert name in text
        assert name in document
    for summary in ("C better in 30, B in 0, the same in 30", "C better in 0, A in 30"):
        assert summary in document


def test_nothing_in_common_or_another_reference_is_an_error() -> None:
    with pytest.raises(DataError, match="a and b have no utterance in common"):
        compare_reports([("a", A), ("b", report(Score("x", "a", "b")))])
    with pytest.raises(DataError, match="b: the utterance 'u2' has another reference than in a"):
        compare_reports([("a", A), ("b", report(Score("u2", "go right", "go")))])


def test_a_hostile_report_stays_text() -> None:
    bad = "<script>alert(1)</script>\x1b[31m\u202e"
    ids = (bad, "x" * 200_000)
    one, other = (report(*(Score(i, "a b", f"a {word}", bad) for i in ids)) for word in ("b", bad))
    comparison = compare_reports([(bad, one), ("b", other)])
    document = to_page(comparison)
    assert "<script>alert" not in document
    assert len(document) < 100_000
    assert "\x1b" not in document


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    scores = (Score("u1", "yes", "yes no", "anna", (0.5, 1.0), 1.5, 0.25), *A.scores[1:])
    path.write_text(json.dumps(EvaluationReport(scores).to_dict()), encoding="utf-8")
    assert read_report(path).scores == scores
    path.write_text(path.read_text("utf-8"), encoding="utf-16")  # as PowerShell's > writes it
    assert read_report(path).scores == scores


GOOD = {"type": "evaluation", "version": 2, "wer": 0.0}
UTTERANCE = {"id": "u", "reference": "a", "hypothesis": "a"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not a report"),
        ("[" * 100_000, "nested too deeply"),
        ('{"wer": 0.1, "utterances": [', "not JSON"),
        ('{"file": "a.wav", "text": "yes"}', "not a report of `speechlstm evaluate --json`"),
        ('{"file": "a.wav"}\n{"file": "b.wav"}', "not JSON"),
        ("[]", "not a report"),
        ('{"wer": 0.1, "utterances": []}', "older speechlstm; run evaluate or score --json again"),
        (json.dumps(GOOD | {"version": 9, "utterances": []}), "version 9.0, this speechlstm reads"),
        (json.dumps(GOOD | {"type": "x", "utterances": []}), "type must be 'evaluation'"),
        (json.dumps(GOOD | {"utterances": []}), "at least one"),
        (json.dumps(GOOD | {"utterances": {}}), "must be a list"),
        (json.dumps(GOOD | {"utterances": [3]}), r"utterances\[0\] must be an object"),
        (json.dumps(GOOD | {"utterances": [UTTERANCE, UTTERANCE]}), "'u' twice"),
        (json.dumps(GOOD | {"utterances": [UTTERANCE | {"id": 3}]}), "id must be a string, is 3.0"),
        (json.dumps(GOOD | {"utterances": [UTTERANCE | {"reference": None}]}), "reference must be"),
        (json.dumps(GOOD | {"utterances": [UTTERANCE | {"duration": -1}]}), "duration must be"),
        (json.dumps(GOOD | {"utterances": [UTTERANCE | {"duration": math.nan}]}), "must be finite"),
        (json.dumps(GOOD | {"utterances": [UTTERANCE | {"confidences": "a"}]}), "list of numbers"),
        (json.dumps(GOOD | {"utterances": [UTTERANCE | {"confidences": []}]}), "one for each word"),
        ('{"wer": 1' + "0" * 5000 + ', "utterances": []}', "older"),
    ],
)
def test_other_files_are_refused_in_one_line(content: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=reason) as caught:
        read_report(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_folder_a_missing_file_and_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\x00")
    for name, reason in ((".", "cannot be read"), ("x", "cannot be read"), ("bytes.json", "UTF-8")):
        with pytest.raises(DataError, match=reason):
            read_report(tmp_path / name)
