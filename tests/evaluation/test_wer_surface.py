from pathlib import Path

from speechlstm.evaluation.wer_surface import plot_surface


def test_plot_is_a_png(tmp_path: Path) -> None:
    plot_surface(tmp_path / "surface.png", {(0.5, 0.0): 0.3, (0.8, 0.0): 0.25, (0.5, 1.0): 0.4})
    assert (tmp_path / "surface.png").read_bytes().startswith(b"\x89PNG")
