"""The panels of an explanation's page: what the network hears and keeps, over time.

Each is a canvas whose values are bytes in base64; explain.js draws them.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.timed_words import Emission
from speechlstm.explain.cells import DirectionActivity
from speechlstm.explain.explanation import RANGE_DB, Explanation, Head, typical_units
from speechlstm.html import Markup, element, paragraph, section
from speechlstm.transcript import Word

MAX_GATE_BYTES = 1_000_000  # of the page, before encoding; the rest takes about as much
_MAX_COLUMNS = 1500  # of an image; more would make the file large, and no screen shows them
_MAX_BINS = 128  # of the spectrogram
_DOUBTFUL = 0.5  # a lower confidence is marked
_ZOOM = (40, 400)  # pixels for a second

_Bytes = NDArray[np.uint8]


def shown_units(explanation: Explanation, num_units: int) -> int:
    """The number of units of each layer and direction that a page has room for."""
    if not explanation.layers:
        return 0
    signals = len(explanation.layers[0][0].gates) + 1
    directions = sum(map(len, explanation.layers))
    num_bytes = directions * signals * len(explanation.heads[0].log_probs)
    return min(num_units, explanation.spec.network.num_units, MAX_GATE_BYTES // num_bytes)


def over_time(explanation: Explanation, num_units: int) -> Markup:
    """The panels, with their controls.

    Args:
        num_units: The units of each layer and direction whose gates are shown; 0: no gates.
    """
    panels = list(_panels(explanation))
    if num_units:
        panels.append(_gate_panel(explanation))
    meta = {
        "start": explanation.start,
        "duration": explanation.audio.duration,
        "step": explanation.frame_seconds,
        "steps": len(explanation.heads[0].log_probs),
        "words": [
            {"text": e.word.text, "start": e.word.start, "end": e.word.end}
            for e in explanation.words
        ],
        "heads": [_head_meta(head) for head in explanation.heads],
    }
    rows = element("div", _word_row(explanation), panels, id="rows")
    data = list(_gate_data(explanation, num_units)) if num_units else []
    area = element(
        "div",
        rows,
        data,
        id="time",
        tabindex="0",
        role="region",
        aria_label="Panels over time",
        data_meta=_json(meta),
    )
    return section(
        "Over time",
        paragraph(
            "Move the pointer over a panel, or the slider (arrow keys), to read the values of a "
            "step; a word plays the recording from there."
        ),
        _controls(explanation, num_units),
        element("output", id="readout", for_="place", aria_live="polite"),
        area,
    )


def _controls(explanation: Explanation, num_units: int) -> Markup:
    place = element("input", type="range", id="place", min="0", max="0", value="0", step="1")
    zoom = element(
        "input",
        type="range",
        id="zoom",
        min=str(_ZOOM[0]),
        max=str(_ZOOM[1]),
        value=str(max(90, min(_ZOOM[1], round(880 / explanation.audio.duration)))),
    )
    controls = [element("label", "Step ", place), element("label", "Zoom ", zoom)]
    if num_units:
        controls += [
            element("label", "Layer ", element("select", id="layer")),
            element("label", "Unit ", element("select", id="unit")),
        ]
    return element("div", controls, class_="controls")


def _head_meta(head: Head) -> dict[str, Any]:
    symbols = [head.symbol(label) for label in range(head.alphabet.num_labels)]
    spoken = ["blank", *("space" if s == " " else s for s in head.alphabet.symbols)]
    return {"name": head.name, "symbols": symbols, "spoken": spoken}


def _word_row(explanation: Explanation) -> Markup:
    """The words, which the script puts at their times."""
    buttons = [
        element(
            "button",
            explained.word.text,
            type="button",
            class_=" ".join(_classes(number, explained.word)),
            title=f"{explained.word.confidence:.2f}",
        )
        for number, explained in enumerate(explanation.words)
    ]
    return Markup(element("h3", "Words") + element("div", buttons, id="words"))


def _classes(number: int, word: Word) -> list[str]:
    return ["low"] * (number % 2) + ["doubtful"] * (word.confidence < _DOUBTFUL)


def _panels(explanation: Explanation) -> Iterator[Markup]:
    peaks = _peaks(explanation.audio.samples)
    yield _panel("Waveform", peaks, [""], 90, "wave")
    decibels = explanation.spectrogram
    bins = decibels[:, : decibels.shape[1] // 2 * 2]
    if bins.shape[1] >= 2 * _MAX_BINS:
        bins = bins.reshape(len(bins), -1, 2).max(axis=2)
    kilohertz = explanation.audio.sample_rate / 2000
    labels = [f"{(k + 0.5) * kilohertz / 4:g} kHz" for k in range(4)]
    yield _panel("Spectrogram", _quantized(_thinned(bins) / RANGE_DB + 1), labels, 140)
    if explanation.features is not None:
        features = explanation.features
        scaled = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-6)
        num = features.shape[1]
        labels = [str(round((k + 0.5) * num / 4)) for k in range(4)]
        title = "MFCC, in standard deviations from the mean"
        yield _panel(title, _quantized((_thinned(scaled) / 2.5 + 1) / 2), labels, 140, "both")
    for saliency in explanation.saliency:
        title = f'What "{saliency.word.text}" depends on, by mel filter: louder there, it is more '
        title += "(orange) or less (blue) probable"
        num = saliency.gradient.shape[1]
        labels = [str(round((k + 0.5) * num / 4)) for k in range(4)]
        yield _panel(title, _quantized((_thinned(saliency.scaled) + 1) / 2), labels, 120, "both")
    for head in explanation.heads:
        symbols = [head.symbol(label) for label in range(head.alphabet.num_labels)]
        title = f"Posteriors of {head.name}, with the alignment of the recognised text"
        if head.reference_path:
            title += " and, dashed, of the reference"
        yield _panel(
            title,
            _quantized(np.exp(head.log_probs)),
            symbols,
            12 * len(symbols),
            id=head.name,
            data_path=_path(head.path),
            data_reference=_path(head.reference_path) if head.reference_path else None,
        )


def _panel(
    title: str,
    values: _Bytes,
    labels: Sequence[str],
    height: int,
    kind: str = "one",
    **attributes: str | None,
) -> Markup:
    """A heading, the names of its rows, and a canvas.

    Args:
        values: (num_columns, num_rows).
        labels: Names, evenly spaced from the bottom to the top.
        height: In pixels.
        kind: "one": values from 0 up; "both": 127.5 is 0; "wave": least and largest sample.
        attributes: Of the canvas.
    """
    values_of = {"data_rows": values.shape[1], "data_values": _base64(values)}
    return _canvas(title, labels, height, data_kind=kind, **values_of, **attributes)


def _canvas(title: str, labels: Sequence[str], height: int, **attributes: Any) -> Markup:
    """A heading, the names of rows, and a canvas."""
    names: dict[str, Any] = {"data_height": height, "data_labels": _json(labels)}
    return Markup(
        element("h3", title)
        + element("canvas", class_="names", aria_hidden="true", **names)
        + element("canvas", role="img", aria_label=title, data_height=height, **attributes)
    )


def _gate_panel(explanation: Explanation) -> Markup:
    signals, styles = _signals(explanation), ("line", "dashed", "dotted", "thick")
    title = "Gates of the chosen unit: " + ", ".join(
        f"{name} ({style})" for name, style in zip(signals, styles, strict=False)
    )
    return _canvas(title, ["0", "", "1"], 140, id="gate")


def _signals(explanation: Explanation) -> list[str]:
    """The names of the gates and of the memory, which is shown as its tanh."""
    memory = "tanh(cell)" if explanation.spec.network.cell == "lstm" else "output"
    return [*explanation.layers[0][0].gates, memory]


def _gate_data(explanation: Explanation, num_units: int) -> Iterator[Markup]:
    """For each layer and direction the values of its units, step by step."""
    for number, layer in enumerate(explanation.layers, 1):
        for direction, name in zip(layer, ("forward", "backward"), strict=False):
            units = typical_units(direction, num_units)
            values = np.stack(
                [*direction.gates.values(), (1 + np.tanh(direction.memory)) / 2], axis=2
            )[:, units]
            yield element(
                "template",
                data_name=f"{number} {name}",
                data_units=_json([_unit_meta(direction, unit, explanation) for unit in units]),
                data_signals=_json(_signals(explanation)),
                data_values=_base64(_quantized(values)),
            )


def _unit_meta(direction: DirectionActivity, unit: int, explanation: Explanation) -> dict[str, Any]:
    half_lives = direction.half_lives
    note = ""
    if half_lives is not None:
        note = f", half-life {half_lives[unit] * explanation.frame_seconds:.2g} s"
    return {"unit": unit + 1, "note": note}


def _thinned(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most _MAX_COLUMNS columns, each the mean of several."""
    size = -(-len(values) // _MAX_COLUMNS)
    padded = np.pad(values, ((0, -len(values) % size), (0, 0)), "edge")
    return np.asarray(padded.reshape(-1, size, values.shape[1]).mean(axis=1), np.float32)


def _peaks(samples: NDArray[np.float32]) -> _Bytes:
    """The least and the largest sample of each column."""
    edges = np.linspace(0, len(samples), min(_MAX_COLUMNS, len(samples)) + 1).astype(int)[:-1]
    peaks = np.stack([np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)], 1)
    return _quantized((peaks / max(float(np.abs(samples).max()), 1e-3) + 1) / 2)


def _quantized(values: NDArray[Any]) -> _Bytes:
    """Values from 0 to 1 as bytes."""
    return np.asarray((np.clip(values, 0, 1) * 255).round(), np.uint8)


def _base64(values: _Bytes) -> Markup:
    return Markup(b64encode(values.tobytes()).decode())


def _path(path: Sequence[Emission]) -> Markup:
    return _json([[e.label, e.start, e.stop] for e in path])


def _json(values: object) -> Markup:
    """JSON for an attribute, of any length: element would shorten a long text."""
    return Markup(escape(json.dumps(values, ensure_ascii=True)))
