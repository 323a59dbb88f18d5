"""Aligned errors as markup."""

from collections.abc import Iterator

from speechlstm.evaluation.report import Score
from speechlstm.html import Markup, element, joined


def aligned_errors(score: Score) -> Markup:
    """The words of an utterance; those of the reference that are wrong are struck out.

    >>> aligned_errors(Score("u1", "yes stop", "yes stops"))
    'yes <del>stop</del> <ins>stops</ins>'
    """
    return joined(*_words(score)) if score.alignment else element("em", "no words")


def _words(score: Score) -> Iterator[str]:
    space = ""
    for pair in score.alignment:
        if pair.is_correct:
            yield f"{space}{pair.reference}"
        else:
            for tag, word in (("del", pair.reference), ("ins", pair.hypothesis)):
                if word is not None:
                    yield joined(space, element(tag, word))
                    space = " "
        space = " "
