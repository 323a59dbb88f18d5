"""A page in one file, which makes no request and runs no script but its own."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import count, zip_longest

from speechlstm.html.markup import Child, Markup, element

Cell = Child | tuple[Child, float]  # what is shown, and the number that it is sorted by

_LONG = 60  # characters; cells with more are wide, also where the page is narrow


def page(
    title: str, sections: Sequence[Markup], scripts: Sequence[str] = (), styles: Sequence[str] = ()
) -> str:
    """A whole document with the sections one below the other.

    Its policy forbids all requests, styles and scripts other than these (by their hashes), so that
    nothing in a file name or transcript could act, even if it were not escaped.

    >>> document = page("Report", [section("Errors", paragraph("none"))])
    >>> document.startswith("<!doctype html>"), "https://" in document
    (True, False)

    Args:
        sections: See section.
        scripts: JavaScript that it needs besides the sorting of tables. Data for a script belongs
            into the attributes of elements, which are escaped.
        styles: Style sheets that it needs besides those of all pages.

    Raises:
        ValueError: A script has `</`, which could end it.
    """
    style = "".join((asset("theme.css"), asset("document.css"), *styles))
    if "</" in style:
        raise ValueError("a style sheet must not have </")
    code = [asset("sorting.js"), *scripts]
    for script in code:
        if "</" in script:
            raise ValueError("a script must not have </; write <\\/")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_source, code))}",
            f"style-src {_source(style)}",
            "img-src data:",
            "media-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        element("header", element("h1", title)),
        element("main", sections),
        (element("script", Markup(script)) for script in code),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def section(heading: str, *children: Child) -> Markup:
    """A part of a page with its heading; without children it says so."""
    return element("section", element("h2", heading), children or paragraph("None."))


def paragraph(*children: Child) -> Markup:
    """A paragraph."""
    return element("p", children)


def details(summary: str, *children: Child) -> Markup:
    """What is shown once its summary is opened."""
    return element("details", element("summary", summary), children)


def percent(rate: float, form: str = ".2%") -> tuple[str, float]:
    """A cell with a rate, which is sorted by its value."""
    return format(rate, form), round(rate, 6)


def table(
    caption: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], most: int | None = None
) -> Markup:
    """A table, which a click on the head of a column sorts by that column.

    >>> 'data-sort="0.025"' in table("Rates", ["list", "WER"], [["AN4", ("2.5 %", 0.025)]])
    True
    >>> table("Deleted", ["word", "times"], [])
    '<p>Deleted: none.</p>'

    Args:
        rows: The cells of each row; the first cell is the head of its row. A cell is text, Markup
            or a number, or one of these with the number that it is sorted by. Columns of numbers
            and empty cells are aligned to the right.
        most: The largest number of rows that are shown, which the caption then says; None: all.
    """
    if not rows:
        return paragraph(f"{caption}: none.")
    if most is not None and len(rows) > most:
        caption, rows = f"{caption} (the first {most} of {len(rows)})", rows[:most]
    numbers = [_is_numeric(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    classes = [None, *("number" if is_numeric else None for is_numeric in numbers)]
    head = (
        element("th", element("button", name, type="button"), scope="col", class_=class_)
        for name, class_ in zip_longest(columns, classes)
    )
    body = (element("tr", map(_cell, row, classes, count())) for row in rows)
    content = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head)),
        element("tbody", body),
    )
    return element("div", content, class_="wide", tabindex="0", role="region", aria_label=caption)


def _parts(cell: Cell) -> tuple[Child, Child]:
    """What is shown of a cell, and what it is sorted by."""
    return cell if isinstance(cell, tuple) else (cell, cell)


def _is_numeric(column: Iterable[Cell]) -> bool:
    keys = [key for _, key in map(_parts, column) if key not in ("", None)]
    return bool(keys) and all(isinstance(key, int | float) for key in keys)


def _cell(cell: Cell, class_: str | None, column: int) -> Markup:
    shown, key = _parts(cell)
    is_head = column == 0
    is_long = not (is_head or isinstance(shown, Markup)) and len(f"{shown}") > _LONG
    return element(
        "th" if is_head else "td",
        shown,
        scope="row" if is_head else None,
        class_=class_ or ("long" if is_long else None),
        data_sort=key if isinstance(key, int | float) else None,
    )


@cache
def asset(name: str, package: str = "speechlstm.html") -> str:
    """The text of a style or script of a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _source(content: str) -> str:
    """What a policy calls an inline style or script."""
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
