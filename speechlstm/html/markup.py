"""Markup: text is escaped, unless it is `Markup` already."""

import re
from collections.abc import Iterable
from html import escape

from speechlstm.errors import printable, shortened

LONGEST_TEXT = 2000  # characters; ids and texts from files may have any length
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")  # of an element or attribute
_VOID = {"meta", "link", "br", "img", "input", "line", "rect", "circle", "path", "polyline"}


class Markup(str):
    """HTML or SVG, which is not escaped again."""

    __slots__ = ()


Child = str | int | float | None


def element(
    tag: str, *children: Child | Iterable[Child], **attributes: str | float | bool | None
) -> Markup:
    r"""An element. Children and attributes are escaped, control characters are made visible.

    >>> element("td", "a<b\x00", class_="number")
    '<td class="number">a&lt;b\\x00</td>'
    >>> element("tr", (element("td", value) for value in ("x", "y")))
    '<tr><td>x</td><td>y</td></tr>'

    Args:
        children: Markup or text, or iterables of these; None: nothing. Texts of more than
            LONGEST_TEXT characters lose their middle.
        attributes: Their values; None or False: left out; True: without a value. An underscore in
            a name becomes a hyphen, one at its end is dropped.

    Raises:
        ValueError: The name of the element or of an attribute is not one.
    """
    start = _checked(tag)
    for name, value in attributes.items():
        written = _checked(name.removesuffix("_").replace("_", "-"))
        if value is True:
            start += f" {written}"
        elif value is not None and value is not False:
            start += f' {written}="{_escaped(value)}"'
    if tag in _VOID:
        return Markup(f"<{start}/>")
    return Markup(f"<{start}>{joined(*children)}</{tag}>")


def joined(*children: Child | Iterable[Child]) -> Markup:
    """The markup of children, one after the other; see element.

    >>> joined("a & b", element("br"), None)
    'a &amp; b<br/>'
    """
    return Markup("".join(map(_written, children)))


def _written(child: Child | Iterable[Child]) -> str:
    if child is None:
        return ""
    if isinstance(child, str | int | float):
        return _escaped(child)
    return joined(*child)


def _escaped(value: str | float) -> str:
    if isinstance(value, Markup):
        return value
    return escape(printable(shortened(str(value), LONGEST_TEXT)))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an element or attribute")
    return name
