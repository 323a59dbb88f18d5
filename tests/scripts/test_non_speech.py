import runpy
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "benchmarks" / "non_speech.py"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCRIPT["SOUNDS"])
def test_each_kind_is_what_a_recorder_stores_and_the_same_again(kind: str) -> None:
    recordings = list(SCRIPT["non_speech"](kind, 30))
    assert sum(map(len, recordings)) == 30 * 16000
    for samples, again in zip(recordings, SCRIPT["non_speech"](kind, 30), strict=True):
        assert samples.dtype == np.float32
        assert np.abs(samples).max() <= 1
        np.testing.assert_array_equal(samples * 32768, np.round(samples * 32768))
        np.testing.assert_array_equal(samples, again)
    is_silent = not any(samples.any() for samples in recordings)
    assert is_silent == (kind == "digital silence")
