"""Charts as inline SVG: bars, histograms, lines and points, with their values as a table.

Colours come from the page's style, so that a chart is light or dark as the page is.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from speechlstm.html.markup import Markup, element
from speechlstm.html.page import Cell, details, table

_WIDTH, _HEIGHT = 480, 270  # units of the drawing, about pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 12, 12, 46  # margins for labels
_NUM_TICKS = 5
_NUM_BINS = 20  # of a histogram
_LONGEST_TABLE = 200  # rows
_LETTER = 10.0  # width of a letter, about, on a small screen, where letters are larger
_SHORTEST = 16  # letters of a label that are always shown


@dataclass(frozen=True)
class Axis:
    """What a direction of a chart shows.

    Attributes:
        label: The quantity and its unit.
        low: The value at its start; None: 0, or the least value if that is lower.
        high: The value at its end; None: the largest value.
        form: The format of its values, as in Python's format.
    """

    label: str
    low: float | None = None
    high: float | None = None
    form: str = ".4g"


@dataclass(frozen=True)
class Bar:
    """A bar of a chart.

    Attributes:
        label: Its name, below it.
        interval: Ends of the interval of confidence, drawn as a line; None: none.
        note: What the table says of it besides.
    """

    label: str
    value: float
    interval: tuple[float, float] | None = None
    note: str = ""


@dataclass(frozen=True)
class Series:
    """Points of a chart.

    Attributes:
        name: What they are.
        points: (x, y) of each.
        kind: Whether they are drawn as points, connected by lines, or both.
    """

    name: str
    points: Sequence[tuple[float, float]]
    kind: Literal["points", "line", "both"] = "both"


def bar_chart(title: str, x_label: str, y: Axis, bars: Sequence[Bar]) -> Markup:
    """Bars beside each other, from 0.

    Labels that need more room than there is are shortened, and where even these would overlap, some
    are left out; the table has all of them.

    >>> chart = bar_chart("WER by noise", "noise", Axis("WER", form=".0%"), [Bar("low", 0.1)])
    >>> "<svg" in chart and "10%" in chart
    True
    """
    ends = [end for bar in bars for end in (bar.value, *(bar.interval or ()))]
    vertical = _Scale.over(y, ends, _HEIGHT - _BOTTOM, _TOP)
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    names = [_shortened(bar.label, max(_SHORTEST, int(step / _LETTER) - 1)) for bar in bars]
    every = math.ceil(max(map(len, names), default=1) * _LETTER / step)
    drawn: list[Markup] = []
    free = 0.0  # where there is no label yet
    for i, bar in enumerate(bars):
        middle = _LEFT + (i + 0.5) * step
        top, bottom = sorted((vertical(bar.value), vertical(0)))
        drawn.append(_box(middle, step * 0.7, top, bottom))
        if bar.interval:
            low, high = map(vertical, bar.interval)
            drawn.append(_line(middle, low, middle, high, "whisker"))
        half = len(names[i]) * _LETTER / 2
        inside = _inside(names[i], middle)
        if i % every == 0 and inside - half >= free:
            free = inside + half
            drawn.append(_text(names[i], inside, _HEIGHT - _BOTTOM + 16, "middle"))
    rows: list[list[Cell]] = [
        [bar.label, (format(bar.value, y.form), bar.value), _range(bar.interval, y.form), bar.note]
        for bar in bars
    ]
    columns = [x_label, y.label, "95 % interval", "of"]
    used = [i for i in range(4) if i < 2 or any(row[i] for row in rows)]
    values = table(title, [columns[i] for i in used], [[row[i] for i in used] for row in rows])
    return _figure(title, [*_vertical_axis(y, vertical), *drawn, *_labels(x_label, y)], values)


def histogram(title: str, x: Axis, values: Sequence[float]) -> Markup:
    """How many of the values are in each of _NUM_BINS equal bins between the ends of x.

    >>> "<svg" in histogram("Durations", Axis("seconds"), [1.0, 2.0, 2.5])
    True
    """
    horizontal = _Scale.over(x, values, _LEFT, _WIDTH - _RIGHT)
    low, high = horizontal.low, horizontal.high
    counts = [0] * _NUM_BINS
    for value in values:
        if low <= value <= high:
            counts[min(int((value - low) / (high - low) * _NUM_BINS), _NUM_BINS - 1)] += 1
    edges = [low + i * (high - low) / _NUM_BINS for i in range(_NUM_BINS + 1)]
    y = Axis("number")
    vertical = _Scale.over(y, counts, _HEIGHT - _BOTTOM, _TOP)
    width = (_WIDTH - _LEFT - _RIGHT) / _NUM_BINS
    drawn = [
        _box(_LEFT + (i + 0.5) * width, width * 0.94, vertical(count), vertical(0))
        for i, count in enumerate(counts)
        if count
    ]
    rows: list[list[Cell]] = [
        [(_range((edges[i], edges[i + 1]), x.form), edges[i]), count]
        for i, count in enumerate(counts)
        if count
    ]
    axes = [*_vertical_axis(y, vertical), *_horizontal_axis(x, horizontal)]
    return _figure(
        title, [*axes, *drawn, *_labels(x.label, y)], table(title, [x.label, y.label], rows)
    )


def line_chart(
    title: str, x: Axis, y: Axis, series: Sequence[Series], diagonal: bool = False
) -> Markup:
    """Lines or points (a scatter chart) over a continuous axis.

    >>> words = Series("words", [(0.5, 0.4), (0.9, 0.95)])
    >>> "<polyline" in line_chart("Calibration", Axis("confidence"), Axis("correct"), [words])
    True

    Args:
        series: At most four, each in a colour of its own.
        diagonal: Whether the line y = x is drawn, too.
    """
    xs, ys = ([point[i] for one in series for point in one.points] for i in (0, 1))
    horizontal = _Scale.over(x, xs, _LEFT, _WIDTH - _RIGHT)
    vertical = _Scale.over(y, ys, _HEIGHT - _BOTTOM, _TOP)
    drawn = [*_vertical_axis(y, vertical), *_horizontal_axis(x, horizontal)]
    if diagonal:
        low = max(horizontal.low, vertical.low)
        high = min(horizontal.high, vertical.high)
        ends = horizontal(low), vertical(low), horizontal(high), vertical(high)
        drawn.append(_line(*ends, "diagonal"))
    for number, one in enumerate(series):
        at = [(horizontal(a), vertical(b)) for a, b in one.points]
        name = f"series{number}"
        if one.kind != "points":
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b in at)
            drawn.append(element("polyline", points=path, class_=name))
        if one.kind != "line":
            drawn += [
                element("circle", cx=f"{a:.1f}", cy=f"{b:.1f}", r=3, class_=name) for a, b in at
            ]
    rows: list[list[Cell]] = [
        [one.name, (format(a, x.form), a), (format(b, y.form), b)]
        for one in series
        for a, b in one.points[:_LONGEST_TABLE]
    ]
    legend = [_legend(one.name, number) for number, one in enumerate(series) if len(series) > 1]
    values = table(title, ["series", x.label, y.label], rows)
    return _figure(title, [*drawn, *_labels(x.label, y)], values, *legend)


@dataclass(frozen=True)
class _Scale:
    """Maps values from low to high onto coordinates from start to end."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, axis: Axis, values: Sequence[float], start: float, end: float) -> "_Scale":
        low = min([0.0, *values]) if axis.low is None else axis.low
        high = max(values, default=1.0) if axis.high is None else axis.high
        if high <= low:  # all values are the same
            high = low + 1
        step = _step(low, high)
        if axis.low is None:
            low = math.floor(low / step + 1e-9) * step
        if axis.high is None:
            high = math.ceil(high / step - 1e-9) * step
        return cls(low, high, start, end)

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self) -> Iterator[float]:
        step = _step(self.low, self.high)
        first = math.ceil(self.low / step - 1e-9)
        for i in range(first, math.floor(self.high / step + 1e-9) + 1):
            yield i * step


def _step(low: float, high: float) -> float:
    """The distance of ticks: 1, 2 or 5 times a power of ten."""
    rough = (high - low) / _NUM_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _vertical_axis(axis: Axis, scale: _Scale) -> Iterator[Markup]:
    for tick in scale.ticks():
        y = scale(tick)
        yield _line(_LEFT, y, _WIDTH - _RIGHT, y, "grid")
        yield _text(format(tick, axis.form), _LEFT - 6, y + 4, "end")


def _horizontal_axis(axis: Axis, scale: _Scale) -> Iterator[Markup]:
    for tick in scale.ticks():
        x = scale(tick)
        yield _line(x, _HEIGHT - _BOTTOM, x, _HEIGHT - _BOTTOM + 4, "grid")
        label = format(tick, axis.form)
        yield _text(label, _inside(label, x), _HEIGHT - _BOTTOM + 17, "middle")


def _labels(x_label: str, y: Axis) -> Iterator[Markup]:
    base = _HEIGHT - _BOTTOM
    yield _line(_LEFT, base, _WIDTH - _RIGHT, base, "axis")
    yield _text(x_label, (_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, "middle")
    middle = (_TOP + base) / 2
    yield _text(y.label, 13, middle, "middle", transform=f"rotate(-90 13 {middle:g})")


def _figure(title: str, drawn: Sequence[Markup], values: Markup, *legend: Markup) -> Markup:
    drawing = element("svg", drawn, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", aria_label=title)
    caption = element("figcaption", title, legend)
    return element("figure", caption, drawing, details("Values", values))


def _legend(name: str, number: int) -> Markup:
    mark = element("rect", width=12, height=12, rx=2, class_=f"series{number} filled")
    swatch = element("svg", mark, viewBox="0 0 12 12", class_="swatch", aria_hidden="true")
    return element("span", swatch, name, class_="legend")


def _box(middle: float, width: float, top: float, bottom: float) -> Markup:
    return element(
        "rect",
        x=f"{middle - width / 2:.1f}",
        y=f"{top:.1f}",
        width=f"{width:.1f}",
        height=f"{bottom - top:.1f}",
        class_="series0 filled",
    )


def _line(x1: float, y1: float, x2: float, y2: float, name: str) -> Markup:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", class_=name, **{key: f"{end:.1f}" for key, end in ends.items()})


def _text(text: str, x: float, y: float, anchor: str, **attributes: str) -> Markup:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, **attributes)


def _inside(label: str, middle: float) -> float:
    """The middle of a label that would be cut off at an end of the drawing, moved into it."""
    half = len(label) * _LETTER / 2
    return min(max(middle, half), _WIDTH - half)


def _shortened(label: str, length: int) -> str:
    """A label of at most so many letters: its beginning and its end, where names differ."""
    if len(label) <= length:
        return label
    end = (length - 1) // 2
    return f"{label[: length - 1 - end]}…{label[-end:]}"


def _range(ends: tuple[float, float] | None, form: str) -> str:
    return f"{ends[0]:{form}} to {ends[1]:{form}}" if ends else ""
