from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import TrainingError
from speechlstm.training.adaptation import folds
from speechlstm.training.adaptation.folds import best_epoch, choose_epochs, make_folds
from speechlstm.training.adaptation.work import Work


def utterances(speakers: str) -> list[Utterance]:
    return [Utterance(f"{i}", f"{i}.wav", 1.0 + i % 3, "yes", s) for i, s in enumerate(speakers)]


def test_no_speaker_is_in_two_folds() -> None:
    parts = make_folds(utterances("abcdefgabcdefg"), 3)
    assert sorted(int(u.id) for fold in parts for u in fold) == list(range(14))
    voices = [{u.speaker for u in fold} for fold in parts]
    assert sum(map(len, voices)) == 7


def test_utterances_of_one_speaker_are_spread() -> None:
    parts = make_folds(utterances("a" * 12), 3)
    seconds = [sum(u.duration for u in fold) for fold in parts]
    assert max(seconds) - min(seconds) <= 1


def test_no_sound_is_in_two_folds() -> None:
    said = [
        Utterance(f"{n}{who}", f"{n}.wav", 3.0, "yes", None, start)
        for n in range(3)
        for who, start in (("a", 0.0), ("b", 2.0), ("c", 6.0))
    ]
    assert [len({u.audio for u in fold}) for fold in make_folds(said, 3)] == [1, 1, 1]
    talk = [u for u in said if u.audio == "0.wav"]  # a and b overlap
    assert sorted(sorted(u.id for u in fold) for fold in make_folds(talk, 2)) == [
        ["0a", "0b"],
        ["0c"],
    ]


def test_no_fold_is_empty_where_captions_overlap() -> None:
    captions = [Utterance(f"{n}", "a.mp4", 3.0, "yes", None, 2.0 * n) for n in range(9)]
    apart = Utterance("apart", "a.mp4", 3.0, "yes", None, 60.0)
    assert sorted(map(len, make_folds([*captions, apart], 3))) == [1, 9]
    with pytest.raises(TrainingError, match="remove pieces that overlap"):
        make_folds(captions, 3)


def test_the_first_of_equally_good_epochs_is_the_best() -> None:
    assert best_epoch({1: 5.0, 3: 2.0, 2: 2.0, 4: 3.0}) == 2


@pytest.mark.parametrize(("initial", "chosen"), [(0.5, 2), (0.05, 0)])
def test_each_part_is_left_out_once_and_their_errors_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, initial: float, chosen: int
) -> None:
    said = utterances("abcabcabc")
    write_manifest(tmp_path / "train.jsonl", said)
    left_out: list[str] = []

    def train(train: Path, valid: Path, run: Path, name: str) -> Any:
        learnt, measured = ([u.id for u in Manifest(path)] for path in (train, valid))
        assert sorted(learnt + measured) == sorted(u.id for u in said)
        left_out.extend(measured)
        assert all(u.audio.startswith("../") for u in Manifest(train))
        rates = (0.4, 0.2 if name.startswith("fold 1") else 0.1, 0.3)
        lines = [{"epoch": i, "valid_cer": rate} for i, rate in enumerate(rates, start=1)]
        return SimpleNamespace(read_metrics=lambda: lines)

    errors = SimpleNamespace(characters=SimpleNamespace(rate=initial))
    monkeypatch.setattr(folds, "initial_network", lambda run: None)
    monkeypatch.setattr(folds, "validated", lambda network, run, cache: errors)
    assert choose_epochs(tmp_path / "train.jsonl", Work(tmp_path), 3, train) == chosen
    assert sorted(left_out) == sorted(u.id for u in said)
