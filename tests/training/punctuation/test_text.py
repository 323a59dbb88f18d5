import lzma
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from speechlstm.errors import DataError
from speechlstm.readable.features import NUM_PAUSES, word_ids
from speechlstm.readable.marked_text import COMMA, EXCLAMATION, NO_MARK, PERIOD, marked_words
from speechlstm.training.punctuation.dataset import PunctuationDataset
from speechlstm.training.punctuation.network import PunctuationTraining
from speechlstm.training.punctuation.text import (
    PunctuatedText,
    count_pauses,
    mixed_case,
    read_passages,
    split_passages,
)

PASSAGES = [marked_words(f"Passage {'b ' * (k % 7)}number {chr(97 + k)}.") for k in range(26)]


def test_reads_lines_that_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.xz"
    path.write_bytes(lzma.compress(b"One, two.\n\nIn 1999.\nand .\n?\nThree!\n"))
    passages = [[word.text for word in passage] for passage in read_passages(path)]
    assert passages == [["one", "two"], ["three"]]


def test_names_a_text_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.txt: cannot be read"):
        list(read_passages(tmp_path / "missing.txt"))
    (tmp_path / "a.txt").write_bytes(b"fine\n\xff\n")
    with pytest.raises(DataError, match=r"a\.txt:2: not UTF-8"):
        list(read_passages(tmp_path / "a.txt"))
    (tmp_path / "a.txt.xz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be decompressed"):
        list(read_passages(tmp_path / "a.txt.xz"))
    with pytest.raises(DataError, match="no word"):
        PunctuatedText.of([])


def test_what_is_held_out_lies_in_blocks() -> None:
    passages = [marked_words(f"w{number}.") for number in range(2000)]
    train, valid, test = split_passages(passages)
    numbers = [[int(passage[0].text[1:]) for passage in part] for part in (train, valid, test)]
    assert sorted(chain.from_iterable(numbers)) == list(range(2000))
    assert numbers[1][:50] == list(range(1950, 2000))
    assert numbers[2][:50] == list(range(50))


def test_mixed_case_is_what_most_writers_write() -> None:
    text = "McDonald MCDONALD McDonald eBay ebay ebay iOS iOS NATO NATO Tom Tom once d'Or"
    assert mixed_case([marked_words(text)]) == {"ios": "iOS", "mcdonald": "McDonald"}


def test_pauses_are_counted_by_mark() -> None:
    counts = count_pauses([(marked_words("Yes, no. Go! now"), [0.3, 2.0, 2.0])])
    assert counts[COMMA].sum() == 1
    # Ends of sentences are counted together.
    assert counts[PERIOD, NUM_PAUSES - 1] == counts[EXCLAMATION, NUM_PAUSES - 1] == 2
    assert counts[NO_MARK].sum() == 0


def dataset(no_pauses: float = 0.0, word_dropout: float = 0.0) -> PunctuationDataset:
    pauses = np.zeros((5, NUM_PAUSES), np.int64)
    pauses[NO_MARK, 1] = pauses[PERIOD, 5] = 10**6
    text = PunctuatedText.of(PASSAGES)
    config = PunctuationTraining(
        batch_words=60, max_words=20, no_pauses=no_pauses, word_dropout=word_dropout, seed=1
    )
    return PunctuationDataset(text, pauses, config)


def test_an_epoch_has_every_word_once() -> None:
    data = dataset()
    for epoch in (0, 1):
        data.start_epoch(epoch)
        rows = []
        for index in range(len(data)):
            inputs, targets = data[index]
            assert inputs["ids"].shape[:2] == targets["marks"].shape == targets["cases"].shape
            assert inputs["num_words"].max() <= 20
            assert inputs["num_words"].sum() == data.size(index)
            for ids, number in zip(inputs["ids"], inputs["num_words"], strict=True):
                rows += ids[:number].tolist()
        expected = word_ids(word.text for passage in PASSAGES for word in passage).tolist()
        assert sorted(rows) == sorted(expected)
        assert len(rows) == data.num_words


def test_pauses_go_with_marks_unless_they_are_unknown() -> None:
    inputs, targets = dataset()[0]
    inside = np.arange(inputs["ids"].shape[1]) < inputs["num_words"][:, np.newaxis] - 1
    expected = np.where(targets["marks"] == PERIOD, 5, 1)
    np.testing.assert_array_equal(inputs["pauses"], np.where(inside, expected, 0))
    assert not dataset(no_pauses=1.0)[0][0]["pauses"].any()


def test_a_hidden_word_keeps_beginning_and_end() -> None:
    plain, hidden = dataset()[0][0]["ids"], dataset(word_dropout=0.999)[0][0]["ids"]
    np.testing.assert_array_equal(plain[..., 2:], hidden[..., 2:])
    assert (hidden[..., :2] == word_ids([""])[0, :2]).mean() > 0.99
