import time
from itertools import pairwise

import pytest

from speechlstm.recognizer.aligning import _timed_lines
from speechlstm.text.written import read_written
from speechlstm.transcript import Word


@pytest.mark.slow
def test_lines_that_are_not_spoken_stand_in_the_gap_and_take_no_time() -> None:
    """10,000 of them took 10 s when each looked for the next word that is spoken."""
    lines = read_written("yes\n" + "never\n***\n" * 10_000 + "no\n" + "again\n" * 10_000)
    spoken = {"yes": (0.5, 0.9), "no": (2.0, 2.5)}
    texts = [word.text for line in lines for word in line.words]
    words = [Word(text, *spoken.get(text, (1.5, 1.5)), 0.9) for text in texts]
    started = time.process_time()
    timed = list(_timed_lines(lines, words, 3.0))
    assert time.process_time() - started < 2
    assert [line.text for line in timed] == [line.text for line in lines]
    assert all(a.end <= b.start or a.end == b.end for a, b in pairwise(timed))
    gaps = {(line.start, line.end) for line in timed if line.text not in spoken}
    assert gaps == {(0.9, 2.0), (2.5, 3.0)}
