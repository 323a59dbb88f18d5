from speechlstm.corpora.manifest import Utterance
from speechlstm.training.adaptation.folds import best_epoch, make_folds


def utterances(speakers: str) -> list[Utterance]:
    return [Utterance(f"{i}", f"{i}.wav", 1.0 + i % 3, "yes", s) for i, s in enumerate(speakers)]


def test_no_speaker_is_in_two_folds() -> None:
    folds = make_folds(utterances("abcdefgabcdefg"), 3)
    assert sorted(int(u.id) for fold in folds for u in fold) == list(range(14))
    voices = [{u.speaker for u in fold} for fold in folds]
    assert sum(map(len, voices)) == 7


def test_utterances_of_one_speaker_are_spread() -> None:
    folds = make_folds(utterances("a" * 12), 3)
    seconds = [sum(u.duration for u in fold) for fold in folds]
    assert max(seconds) - min(seconds) <= 1


def test_the_first_of_equally_good_epochs_is_the_best() -> None:
    assert best_epoch({1: 5.0, 3: 2.0, 2: 2.0, 4: 3.0}) == 2
