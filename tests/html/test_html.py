"""Pages: hostile text stays text, nothing is loaded, charts are drawn to scale."""

import re
import shutil
from base64 import b64decode
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from speechlstm.audio import Audio, read_audio
from speechlstm.html import (
    AudioPlayers,
    Axis,
    Bar,
    Markup,
    Series,
    bar_chart,
    element,
    histogram,
    joined,
    line_chart,
    page,
    paragraph,
    section,
    table,
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    "\"><svg onload='alert(1)'>",
    "' onmouseover='alert(1)",
    "&lt;script&gt;",
    "javascript:alert(1)",
    "a\x00b\x1b[31m\r\n\u202egnp.exe\ud800",
    "-->",
]


class Parsed(HTMLParser):
    """The elements and the text of a document, as Python's own parser reads them."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [found for name, found in self.elements if name == tag]


def everything(text: str) -> str:
    """A page that has a text in every place that takes one."""
    players = AudioPlayers()
    noise = Audio.from_array(np.random.default_rng(0).normal(0, 0.1, 4000), 16000)
    charts = [
        bar_chart(text, text, Axis(text), [Bar(text, 1.0, (0.5, 1.5), text)]),
        histogram(text, Axis(text), [1.0, 2.0]),
        line_chart(text, Axis(text), Axis(text), [Series(text, [(0, 1)]), Series(text, [(1, 1)])]),
    ]
    content = [
        paragraph(text, element("b", text, title=text)),
        table(text, [text, text], [[text, (text, 1.0)]]),
        *charts,
        players.player(noise, text),
    ]
    return page(text, [section(text, *content)])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    plain, found = Parsed(everything("x")), Parsed(everything(text))
    assert found.open == plain.open == []
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(a) for _, a in found.elements] == [sorted(a) for _, a in plain.elements]
    shown = "".join(found.texts)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", shown)
    if text.isprintable():
        assert found.attributes("b")[0]["title"] == text
        assert text in shown


def test_a_long_text_is_shortened() -> None:
    document = everything("x" * 200_000)
    assert len(document) < 110_000
    assert "x ... x" in document


def test_text_is_escaped_once_and_markup_not_at_all() -> None:
    assert element("p", "a<b", Markup("<i/>"), None, 3) == "<p>a&lt;b<i/>3</p>"
    assert joined(element("b", "&"), "&") == "<b>&amp;</b>&amp;"
    assert element("a", data_x=False, hidden=True) == "<a hidden></a>"


@pytest.mark.parametrize("name", ["a b", "onclick=x", "<", "", "a>"])
def test_names_are_checked(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        element(name)
    with pytest.raises(ValueError, match="not the name"):
        element("p", **{name: "x"})


def test_the_policy_has_the_hashes_of_what_the_page_holds() -> None:
    document = page("t", [], scripts=["document.title = 'a < b'"])
    parsed = Parsed(document)
    policy = next(m["content"] for m in parsed.attributes("meta") if "http-equiv" in m) or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    inline = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", document, re.DOTALL)
    allowed = {b64decode(found) for found in re.findall("'sha256-([^']*)'", policy)}
    assert {sha256(code.encode()).digest() for code in inline} == allowed
    assert len(inline) == 3
    assert not re.search(r"https?://|url\(|@import", document)
    with pytest.raises(ValueError, match="must not have"):
        page("t", [], scripts=["'</script>'"])


def test_bars_are_drawn_to_scale() -> None:
    chart = bar_chart("t", "x", Axis("y"), [Bar("a", 1.0), Bar("b", 2.0), Bar("c", 0.0)])
    heights = [float(r["height"] or 0) for r in Parsed(chart).attributes("rect")]
    assert heights[1] == pytest.approx(2 * heights[0])
    assert heights[1] == pytest.approx(270 - 46 - 12)  # 2 is the end of the axis
    assert heights[2] == 0


def test_a_histogram_counts_what_numpy_counts() -> None:
    values = np.random.default_rng(0).normal(5, 1, 300).clip(0).tolist()
    expected, _ = np.histogram(values, bins=20, range=(0, 10))
    chart = histogram("t", Axis("x", 0, 10), values)
    counts = [int(n) for n in re.findall(r'<td class="number" data-sort="(\d+)">', chart)]
    assert counts == [n for n in expected if n]


def test_points_lie_between_the_ends_of_the_axes() -> None:
    series = Series("s", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (9.0, -9.0)], "points")
    chart = line_chart("t", Axis("x", 0, 1), Axis("y", 0, 1), [series], diagonal=True)
    points = [
        (float(c["cx"] or 0), float(c["cy"] or 0)) for c in Parsed(chart).attributes("circle")
    ]
    assert points == [(90, 224), (279, 118), (468, 12), (468, 224)]  # the last one is clipped


@pytest.mark.parametrize("values", [[], [0.0], [5.0, 5.0], [-1.0, 1.0], [1e-9], [1e12]])
def test_charts_of_few_or_equal_values(values: list[float]) -> None:
    charts = [
        bar_chart("t", "x", Axis("y"), [Bar(str(v), v) for v in values]),
        histogram("t", Axis("x"), values),
        line_chart("t", Axis("x"), Axis("y"), [Series("s", [(v, v) for v in values])]),
    ]
    assert all("<svg" in chart and "nan" not in chart for chart in charts)


@pytest.mark.parametrize("num_bars", [1, 2, 6, 30])
def test_labels_of_bars_stay_inside_and_apart(num_bars: int) -> None:
    labels = [f"speaker-{'of-a-long-name-' * 5}{i:02}" for i in range(num_bars)]
    chart = bar_chart("WER", "speaker", Axis("WER"), [Bar(label, 1.0) for label in labels])
    texts = re.findall(r'<text x="([0-9.]+)"[^>]*>([^<]*\N{HORIZONTAL ELLIPSIS}[^<]*)<', chart)
    places = [(float(x), 10 * len(text)) for x, text in texts]  # 10: the widest letters
    assert places
    assert all(x - width / 2 >= 0 and x + width / 2 <= 480 for x, width in places)
    gaps = [b - a - (v + w) / 2 for (a, v), (b, w) in pairwise(places)]
    assert min(gaps, default=0) >= 0
    assert texts[0][1].endswith("00")  # where names differ
    assert labels[-1] in chart  # in the table


@pytest.mark.parametrize("high", [8000, 25])
def test_labels_of_the_last_tick_stay_inside(high: float) -> None:
    charts = [
        histogram("t", Axis("Hz", 0, high), [1.0]),
        line_chart("t", Axis("Hz", 0, high), Axis("y"), [Series("s", [(1, 1)])]),
    ]
    for chart in charts:
        x = float(re.findall(rf'<text x="([0-9.]+)"[^>]*>{high}<', chart)[0])
        assert x + 10 * len(f"{high}") / 2 <= 480


def test_what_is_empty_says_so() -> None:
    assert table("Words", ["word", "times"], []) == "<p>Words: none.</p>"
    assert "None." in section("Utterances that differ most")
    assert "None." not in section("Words", paragraph("yes"))


def test_players_hold_the_recording_and_keep_to_the_budget() -> None:
    seconds = np.arange(32_000) / 16_000
    tone = Audio.from_array(0.5 * np.sin(2 * np.pi * 440 * seconds), 16_000)
    players = AudioPlayers(megabytes=0.02)
    first = players.player(tone, "tone")
    assert first is not None
    data = b64decode(str(Parsed(first).attributes("audio")[0]["src"]).partition("base64,")[2])
    decoded = read_audio(BytesIO(data), 16_000)
    assert decoded.duration == pytest.approx(2, abs=0.02)
    spectrum = np.abs(np.fft.rfft(decoded.samples))
    assert spectrum.argmax() / decoded.duration == pytest.approx(440, abs=1)
    made = 1
    while players.player(tone, "tone"):
        made += 1
    assert 1 <= made < 5
    assert players.num_players == made
    assert AudioPlayers(megabytes=0).player(tone, "tone") is None
    assert AudioPlayers().player(tone, "tone") == first


def test_columns_of_numbers_and_their_heads_are_aligned_to_the_right() -> None:
    rows = [["a", 1, "", ("2 %", 0.02), "3"], ["b", None, 4, "", "x" * 61]]
    found = Parsed(page("Page", [table("t", ["name", "n", "m", "rate", "text"], rows)]))
    cells = [cell.get("class") for tag, cell in found.elements if tag in ("th", "td")]
    heads = [None, "number", "number", "number", None]
    assert cells == [*heads, *heads, *heads[:-1], "long"]


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")
def test_a_browser_runs_nothing_and_sorts_by_keyboard(tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "page.html"
    rows = [[text, (str(i), i)] for i, text in enumerate(HOSTILE)]
    rates = table("Rates", ["list", "WER"], [["b", ("9 %", 9)], ["a", ("10 %", 10)]])
    raw = Markup("<script>document.title = 'run'</script><img src='http://127.0.0.1:9/x'>")
    path.write_text(page("Page", [rates, table("t", ["a", "b"], rows), raw]), encoding="utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view = browser.new_page()
        done: list[str] = []
        refused: list[str] = []
        view.on("requestfinished", lambda request: done.append(request.url))
        view.on("requestfailed", lambda request: refused.append(request.failure))
        view.on("dialog", lambda dialog: pytest.fail(dialog.message))
        view.goto(path.as_uri())
        assert view.title() == "Page"
        assert (done, refused) == ([path.as_uri()], ["csp"])
        view.keyboard.press("Tab")  # the region of the first table
        for _ in range(2):
            view.keyboard.press("Tab")
        view.keyboard.press("Enter")
        assert view.locator("tbody").first.locator("th").all_inner_texts() == ["b", "a"]
        view.keyboard.press("Enter")
        assert view.locator("tbody").first.locator("th").all_inner_texts() == ["a", "b"]
        assert view.locator("[aria-sort=descending]").count() == 1
        browser.close()
