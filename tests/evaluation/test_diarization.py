from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.errors import DataError
from speechlstm.evaluation.diarization import diarization_errors, score_turns
from speechlstm.transcript.rttm import Turn

FRAME = 0.01


def turns(names: str) -> st.SearchStrategy[list[Turn]]:
    """Turns whose times are whole numbers of 0.05 s, some at once."""
    times = st.tuples(st.integers(0, 60), st.integers(1, 30))
    turn = st.builds(
        lambda name, time: Turn(name, time[0] / 20, (time[0] + time[1]) / 20),
        st.sampled_from(names),
        times,
    )
    return st.lists(turn, max_size=5)


def by_frames(reference: list[Turn], hypothesis: list[Turn], collar: float) -> tuple[float, ...]:
    """Missed, false alarm, confusion and total by frames and all ways to pair the speakers."""
    middles = (np.arange(600) + 0.5) * FRAME

    def active(turns: list[Turn], names: str) -> np.ndarray:
        return np.array(
            [
                [any(t.speaker == n and t.start < m < t.end for t in turns) for m in middles]
                for n in names
            ]
        )

    edges = [edge for turn in reference for edge in (turn.start, turn.end)]
    scored = np.array([all(abs(m - edge) > collar for edge in edges) for m in middles])
    true, found = active(reference, "abc")[:, scored], active(hypothesis, "xyz")[:, scored]
    num_true, num_found = true.sum(axis=0), found.sum(axis=0)
    matched = max(
        sum((true[i] & found[j]).sum() for i, j in enumerate(order))
        for order in permutations(range(3))
    )
    confusion = np.minimum(num_true, num_found).sum() - matched
    missed, false = (num_true - num_found).clip(0).sum(), (num_found - num_true).clip(0).sum()
    return tuple(FRAME * number for number in (missed, false, confusion, num_true.sum()))


@pytest.mark.slow
@given(turns("abc"), turns("xyz"), st.sampled_from([0.0, 0.25]))
def test_errors_equal_those_of_all_pairings_by_frames(
    reference: list[Turn], hypothesis: list[Turn], collar: float
) -> None:
    found = diarization_errors(reference, hypothesis, collar)
    values = (found.missed, found.false_alarm, found.confusion, found.total)
    assert values == pytest.approx(by_frames(reference, hypothesis, collar), abs=1e-9)


def test_a_known_case() -> None:
    reference = [Turn("a", 0, 10), Turn("b", 10, 20)]
    hypothesis = [Turn("1", 0, 12), Turn("2", 12, 18), Turn("3", 22, 24)]
    errors = diarization_errors(reference, hypothesis, collar=0)
    assert (errors.missed, errors.false_alarm, errors.confusion) == (2, 2, 2)
    assert errors.rate == pytest.approx(0.3)
    # Without 0.25 s around 0, 10 and 20.
    assert diarization_errors(reference, hypothesis).rate == pytest.approx((1.75 + 2 + 1.75) / 19)


def test_silence_has_no_rate() -> None:
    assert np.isnan(diarization_errors([], [Turn("1", 0, 1)]).rate)


def test_errors_of_recordings_are_added() -> None:
    references = {"one": [Turn("a", 0, 4)], "two": [Turn("a", 0, 2), Turn("b", 2, 6)]}
    report = score_turns(references, {"two": [Turn("x", 0, 6)]}, collar=0)
    assert report.whole.rate == pytest.approx((4 + 2) / 10)
    assert report.num_speakers == {"one": (1, 0), "two": (2, 1)}
    with pytest.raises(DataError, match="no turns of three"):
        score_turns(references, {"three": []})
    assert score_turns({}, {}).recordings == {}


def test_a_number_after_a_dot_tells_recordings_apart() -> None:
    turns = [Turn("a", 0, 4)]
    with pytest.raises(DataError, match=r"no turns of call\.2"):
        score_turns({"call.1": turns}, {"call.2": turns})


@pytest.mark.parametrize(
    ("name", "other"), [("calls/two.wav", "two"), ("two b", "two_b"), ("t\u0308wo", "\u1e97wo")]
)
def test_recordings_are_paired_by_what_their_names_share(name: str, other: str) -> None:
    turns = [Turn("a", 0, 4)]
    assert score_turns({"one": turns, name: turns}, {other: turns}, collar=0).whole.rate == 0.5
