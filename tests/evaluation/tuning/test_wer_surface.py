from pathlib import Path

import numpy as np
import pytest

from speechlstm.evaluation.tuning.wer_surface import draw_surface, is_surface, plot_surface

pytestmark = pytest.mark.slow

RATES = {(0.5, 0.0): 0.3, (0.8, 0.0): 0.25, (0.5, 1.0): 0.421}


def test_each_trial_is_a_point_with_its_wer_and_the_lowest_is_marked() -> None:
    axes = draw_surface(RATES).axes[0]
    points, mark = axes.collections
    assert [tuple(point) for point in points.get_offsets()] == list(RATES)
    np.testing.assert_allclose(points.get_array(), [30.0, 25.0, 42.1])
    labels = {tuple(text.xy): text.get_text() for text in axes.texts}
    assert labels == {(0.5, 0.0): "30.0", (0.8, 0.0): "25.0", (0.5, 1.0): "42.1"}
    assert [tuple(point) for point in mark.get_offsets()] == [(0.8, 0.0)]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("lm_weight", "word_bonus")


def test_a_png_is_drawn(tmp_path: Path) -> None:
    import matplotlib.image

    plot_surface(tmp_path / "surface.png", RATES)
    image = matplotlib.image.imread(tmp_path / "surface.png")
    assert image.shape[:2] == (600, 840)
    assert is_surface(tmp_path / "surface.png")
    matplotlib.image.imsave(tmp_path / "another.png", image)
    assert not is_surface(tmp_path / "another.png")
    assert len(np.unique(image.reshape(-1, image.shape[2]), axis=0)) > 50  # not an empty sheet
