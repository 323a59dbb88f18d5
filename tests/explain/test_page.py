import json
import re
import shutil
import subprocess
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from speechlstm.audio import Audio
from speechlstm.explain import Explanation, explain
from speechlstm.explain.page import to_page
from speechlstm.explain.panels import MAX_GATE_BYTES, shown_units

ASSETS = Path(__file__).parents[1] / "assets"


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def elements(document: str, tag: str) -> list[dict[str, str | None]]:
    parser = _Elements()
    parser.feed(document)
    return [attributes for name, attributes in parser.found if name == tag]


def values(attributes: dict[str, str | None], *shape: int) -> np.ndarray:
    data = b64decode(attributes["data-values"] or "")
    return np.frombuffer(data, np.uint8).reshape(shape) / 255


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    audio = Audio.load("data/samples/date.wav")
    return explain(audio, text="july fourth seventeen seventy sticks", fast=True, start=2.0)


@pytest.mark.slow
def test_the_page_holds_what_the_network_computed(explanation: Explanation) -> None:
    document = to_page(explanation, num_units=3)
    canvases = {c["id"]: c for c in elements(document, "canvas") if c.get("id")}
    for head in explanation.heads:
        found = values(canvases[head.name], *head.log_probs.shape)
        np.testing.assert_allclose(found, np.exp(head.log_probs), atol=0.5 / 255 + 1e-6)
    path = json.loads(canvases["phones"]["data-path"] or "")
    assert path == [[e.label, e.start, e.stop] for e in explanation.heads[1].path]
    groups = elements(document, "template")
    assert [group["data-name"] for group in groups][:3] == ["1 forward", "1 backward", "2 forward"]
    units = json.loads(groups[0]["data-units"] or "")
    forward = explanation.layers[0][0]
    found = values(groups[0], len(forward.outputs), 3, 4)
    for place, unit in enumerate(units):
        for signal, name in enumerate(("input", "forget", "output")):
            expected = forward.gates[name][:, unit["unit"] - 1]
            np.testing.assert_allclose(found[:, place, signal], expected, atol=0.5 / 255 + 1e-6)
    (area,) = (e for e in elements(document, "div") if e.get("id") == "time")
    meta = json.loads(area["data-meta"] or "")
    assert meta["start"] == 2.0
    assert [word["text"] for word in meta["words"]] == explanation.text.split()


@pytest.mark.slow
def test_the_page_is_one_small_file_that_asks_for_nothing(explanation: Explanation) -> None:
    document = to_page(explanation)
    assert len(document.encode()) < 500_000
    assert not re.search(r"(src|href)=\"(?!data:)", document)
    assert "default-src &#x27;none&#x27;" in document
    for canvas in elements(document, "canvas"):
        assert canvas.get("aria-hidden") or canvas["aria-label"]
    assert "&quot;six&quot;, not &quot;sticks&quot;, the reference" in document


@pytest.mark.slow
def test_a_minute_with_all_units_stays_below_3_mb() -> None:
    audio = Audio(np.random.default_rng(1).normal(0, 0.1, 960_000).astype(np.float32), 16000)
    explanation = explain(audio, ASSETS / "interpreter.tflite")
    assert shown_units(explanation, 4) == 4
    assert len(to_page(explanation, 4)) < 3_000_000
    # The package's model has eight directions of 320 units and four signals each.
    assert 8 * 4 * 2000 * (MAX_GATE_BYTES // (8 * 4 * 2000)) * 4 / 3 < 1.4e6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gru", "rnn", "everywhere"])
def test_other_cells_have_a_page(name: str) -> None:
    audio = Audio(np.random.default_rng(1).normal(0, 0.1, 16000).astype(np.float32), 16000)
    document = to_page(explain(audio, ASSETS / f"{name}.tflite", name='<b>"'), 2)
    signals = json.loads(elements(document, "template")[0]["data-signals"] or "")
    assert (
        signals
        == {
            "gru": ["update", "reset", "output"],
            "rnn": ["output"],
            "everywhere": ["input", "forget", "output", "tanh(cell)"],
        }[name]
    )
    assert "<b>" not in document


def test_a_page_without_gates_and_words(levels_bundle: Path) -> None:
    audio = Audio(np.zeros(16000, np.float32), 16000)
    document = to_page(explain(audio, levels_bundle))
    assert elements(document, "template") == []
    assert "The gates are not known" in document
    assert "No word was recognised" in document


def test_the_script_is_javascript() -> None:
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    script = Path(__file__).parents[2] / "speechlstm" / "explain" / "explain.js"
    if not script.exists():
        pytest.skip("tests an installed package")
    subprocess.run([node, "--check", str(script)], check=True)
