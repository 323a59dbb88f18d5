import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.decoding.timed_words import frame_times


def test_frames_follow_each_other() -> None:
    np.testing.assert_allclose(frame_times(3, 0.03), [0, 0.03, 0.06, 0.09])
    assert frame_times(0, 0.03).tolist() == [0]


@given(st.integers(400, 5000), st.integers(1, 5))
def test_every_frame_has_its_time_within_the_recording(num_samples: int, frame_stack: int) -> None:
    duration, hop = num_samples / 16000, 160
    num_frames = -(-(1 + num_samples // hop) // frame_stack)  # the last one centred near the end
    times = frame_times(num_frames, hop * frame_stack / 16000, duration)
    assert times[0] == 0
    assert times[-1] <= duration
    assert np.diff(times).min() > 0.004


def test_a_recording_shorter_than_half_a_frame_keeps_its_frame() -> None:
    assert frame_times(1, 0.1, 0.03) == pytest.approx([0, 0.03])
