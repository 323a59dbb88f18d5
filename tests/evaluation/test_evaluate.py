import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
import soundfile

from speechlstm.audio import read_audio
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import AudioError, ManifestError
from speechlstm.evaluation.evaluate import evaluate
from speechlstm.evaluation.metrics import ErrorCounts, Score, bootstrap_interval
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.recognizer import Recognizer
from speechlstm.transcript import Hypothesis, Transcript, Word

REFERENCES = {
    "exact": "The cat sat.",
    "one-off": "It\u2019s a dog",
    "silence": "",
    "broken": "never read",
    "untold": None,
}
HYPOTHESES = {"exact": "the cat sat", "one-off": "it's the dog", "silence": "uh huh"}


class Parrot:
    """A recogniser that returns given texts, fairly sure; a recording lasts two seconds."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def transcribe_file(self, path: Path) -> Transcript:
        if path.stem not in self.texts:
            raise AudioError(path, "no samples")
        text = self.texts[path.stem]
        words = tuple(Word(word, 0.0, 2.0, 0.75) for word in text.split())
        return Transcript((Hypothesis(text, words, 0.0),), 2.0)


def manifest_of(path: Path, texts: dict[str, str | None], speaker: str | None = None) -> Manifest:
    write_manifest(path, [Utterance(i, f"{i}.wav", 2.0, t, speaker) for i, t in texts.items()])
    return Manifest(path)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return manifest_of(tmp_path / "m.jsonl", REFERENCES)


def test_every_utterance_is_accounted_for(manifest: Manifest, tmp_path: Path) -> None:
    report = evaluate(lambda: Parrot(HYPOTHESES), manifest)
    assert [score.id for score in report.scores] == ["exact", "one-off", "silence"]
    assert report.skipped == ("untold",)
    assert report.failures == {"broken": f"{tmp_path / 'broken.wav'}: no samples"}
    assert report.audio_seconds == 6.0
    assert report.rtf == report.compute_seconds / 6.0 > 0


def test_rates_are_those_of_jiwer_over_the_normalised_texts(manifest: Manifest) -> None:
    report = evaluate(lambda: Parrot(HYPOTHESES), manifest)
    references = ["the cat sat", "it's a dog", ""]
    hypotheses = ["the cat sat", "it's the dog", "uh huh"]
    assert report.words == ErrorCounts(hits=5, substitutions=1, insertions=2)
    assert report.wer == jiwer.wer(references, hypotheses) == 3 / 6
    assert report.cer == jiwer.cer(references, hypotheses)


def test_calibration_error_compares_confidences_with_the_words_that_were_said(
    manifest: Manifest,
) -> None:
    report = evaluate(lambda: Parrot(HYPOTHESES), manifest)
    assert report.calibration_error == pytest.approx(0.75 - 5 / 8)  # five of eight words are right
    assert "confidences 12.50%" in report.to_text(num_worst=0)
    assert EvaluationReport((Score("a", "b", "b"),)).calibration_error is None


def test_a_word_of_several_parts_is_judged_part_by_part(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path / "m.jsonl", {"a": "T-shirt", "b": ""})
    report = evaluate(lambda: Parrot({"a": "t-shirt --", "b": ""}), manifest)
    assert report.word_confidences() == ([0.75, 0.75], [True, True])


def test_rate_may_exceed_one(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path / "m.jsonl", {"a": "no"})
    report = evaluate(lambda: Parrot({"a": "oh no not now"}), manifest)
    assert report.wer == 3
    assert "WER 300.00%" in report.to_text(num_worst=0)
    assert report.wer_interval is None


def test_progress_sees_every_utterance(manifest: Manifest) -> None:
    seen = []

    def progress(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
        seen.extend(u.id for u in items)
        assert total == len(seen)
        return items

    evaluate(lambda: Parrot(HYPOTHESES), manifest, progress)
    assert seen == list(REFERENCES)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"a": None}, "no utterance could be scored: none has a text"),
        ({"broken": "lost"}, r"no utterance could be scored: .*broken\.wav: no samples"),
    ],
)
def test_nothing_to_score_is_an_error(
    tmp_path: Path, texts: dict[str, str | None], reason: str
) -> None:
    with pytest.raises(ManifestError, match=reason):
        evaluate(lambda: Parrot({"a": "x"}), manifest_of(tmp_path / "m.jsonl", texts))


def test_a_fault_in_the_last_line_shows_before_anything_is_recognised(manifest: Manifest) -> None:
    with manifest.path.open("a") as file:
        file.write("{}\n")

    class Fails:
        def transcribe_file(self, path: Path) -> Transcript:
            pytest.fail(f"recognised {path}")

    with pytest.raises(ManifestError):
        evaluate(Fails, manifest)


def test_worst_are_those_with_most_errors_the_shortest_first() -> None:
    report = EvaluationReport(
        (
            Score("none", "a", "a"),
            Score("long", "a b c d", "a b x y"),
            Score("short", "a b", "x y"),
            Score("three", "a b c", ""),
        )
    )
    assert [score.id for score in report.worst(9)] == ["three", "short", "long"]
    assert [score.id for score in report.worst(1)] == ["three"]
    assert "\n   2  long: a b [c->x] [d->y]" in report.to_text(num_worst=3)


def test_interval_is_drawn_from_speakers_where_there_are_enough() -> None:
    def scores(num_speakers: int) -> Iterator[Score]:
        for i in range(60):
            yield Score(f"{i}", "a b", "a b" if i % num_speakers else "x y", f"{i % num_speakers}")

    few, many = (EvaluationReport(tuple(scores(n))) for n in (9, 10))
    assert few.wer_interval == bootstrap_interval([score.words for score in few.scores])
    wrong, right = ErrorCounts(substitutions=12), ErrorCounts(hits=12)
    assert many.wer_interval == bootstrap_interval([wrong] + 9 * [right])


def test_report_as_json(manifest: Manifest) -> None:
    report = json.loads(json.dumps(evaluate(lambda: Parrot(HYPOTHESES), manifest).to_dict()))
    assert report["wer"] == 0.5
    assert report["words"] == {"hits": 5, "substitutions": 1, "deletions": 0, "insertions": 2}
    assert report["skipped"] == ["untold"]
    assert list(report["failures"]) == ["broken"]
    low, high = report["wer_interval"]
    assert low <= 0.5 <= high
    assert (report["type"], report["version"]) == ("evaluation", 2)
    utterance = report["utterances"][1]
    assert utterance.pop("compute_seconds") >= 0
    assert utterance == {
        "id": "one-off",
        "speaker": None,
        "duration": 2.0,
        "reference": "it's a dog",
        "hypothesis": "it's the dog",
        "errors": "it's [a->the] dog",
        "alignment": [["it's", "it's"], ["a", "the"], ["dog", "dog"]],
        "confidences": [0.75, 0.75, 0.75],
        "words": {"hits": 2, "substitutions": 1, "deletions": 0, "insertions": 0},
        "characters": {"hits": 9, "substitutions": 1, "deletions": 0, "insertions": 2},
    }


@pytest.mark.slow
def test_pieces_of_a_long_recording_are_transcribed_one_by_one(tmp_path: Path) -> None:
    samples = Path(__file__).parents[2] / "data" / "samples"
    parts, pieces, at = [], [], 0.0
    for name in ("zip", "date", "answers"):
        audio = read_audio(samples / f"{name}.wav")
        text = (samples / f"{name}.txt").read_text().strip()
        pieces.append(Utterance(name, "long.flac", audio.duration, text, offset=at))
        parts.append(audio.samples)
        at += audio.duration
    soundfile.write(tmp_path / "long.flac", np.concatenate(parts), 16000)
    write_manifest(tmp_path / "m.jsonl", pieces[::-1])
    report = evaluate(partial(Recognizer.load, greedy=True), Manifest(tmp_path / "m.jsonl"))
    assert report.failures == {}
    assert [score.id for score in report.scores] == ["answers", "date", "zip"]
    assert report.audio_seconds == pytest.approx(at)
    assert report.cer < 0.2  # of the greedy text; of the whole recording it would be above 1
