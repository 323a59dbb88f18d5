"""An explanation as an interactive page in one file that needs no network."""

from speechlstm.explain.explanation import Comparison, Explanation
from speechlstm.explain.panels import over_time, shown_units
from speechlstm.explain.text import (
    describe_network,
    half_life_rows,
    quoted_words,
    score_rows,
    verdict,
)
from speechlstm.html import (
    AudioPlayers,
    Cell,
    Markup,
    asset,
    element,
    page,
    paragraph,
    section,
    table,
)


def to_page(explanation: Explanation, num_units: int = 5) -> str:
    """The document.

    Args:
        num_units: The units of each layer and direction whose gates are shown; as many as fit into
            MAX_GATE_BYTES if that is fewer.
    """
    sections = [
        _summary(explanation),
        over_time(explanation, shown_units(explanation, num_units)),
        _words(explanation),
        *([_decisions(explanation)] if explanation.comparisons or explanation.whole else []),
        _memory(explanation),
    ]
    title = f"How {explanation.name} became its text"
    script, style = (asset(name, "speechlstm.explain") for name in ("explain.js", "explain.css"))
    return page(title, sections, [script], [style])


def _summary(explanation: Explanation) -> Markup:
    player = AudioPlayers(1.0).player(explanation.audio, explanation.name)
    lms = " and ".join(explanation.lms) or "no"
    return section(
        "Text",
        paragraph(element("strong", explanation.text or "(no words)")),
        *(
            [paragraph("Reference: ", " ".join(explanation.reference))]
            if explanation.reference
            else []
        ),
        player,
        paragraph(
            f"{explanation.start:.2f} to {explanation.end:.2f} s of {explanation.name}: "
            f"{describe_network(explanation)}, a step every "
            f"{explanation.frame_seconds * 1000:g} ms; {lms} language model."
        ),
    )


def _words(explanation: Explanation) -> Markup:
    if not explanation.words:
        return section(
            "Words", paragraph("No word was recognised: the best path of the network is blank.")
        )
    confidence = "confidence" if explanation.is_calibrated else "posterior"
    rows: list[list[Cell]] = [
        [
            explained.word.text,
            (f"{explained.word.start:.2f}", explained.word.start),
            (f"{explained.word.end:.2f}", explained.word.end),
            (f"{explained.word.confidence:.2f}", explained.word.confidence),
            ", ".join(
                f"{other.text or '(nothing)'} {other.share:.3f}"
                for other in explained.runners_up[:5]
            )
            + ("" if explained.is_kept else " (left out by transcribe: no speech there)"),
        ]
        for explained in explanation.words
    ]
    columns = ["word", "start (s)", "end (s)", confidence, "runners-up, share of the n-best list"]
    return section("Words", table("The words and what competed with them", columns, rows))


def _decisions(explanation: Explanation) -> Markup:
    parts: list[Markup] = []
    for comparison in explanation.comparisons:
        here, there = map(quoted_words, (comparison.words, comparison.others))
        which = ", the reference" if comparison.is_reference else ""
        parts.append(element("h3", f"{here}, not {there}{which} ({comparison.start:.2f} s)"))
        parts.append(paragraph(verdict(comparison, explanation)))
        parts.append(_scores(comparison, explanation, f"{here} and {there}"))
    if explanation.whole and explanation.comparisons:
        parts.append(element("h3", "The whole text"))
        parts.append(_scores(explanation.whole, explanation, "The whole text"))
    elif explanation.whole:
        parts.append(paragraph("The recognised text is the reference."))
    return section("Who decided", *parts)


def _scores(comparison: Comparison, explanation: Explanation, caption: str) -> Markup:
    rows: list[list[Cell]] = [
        [
            name,
            (f"{here:.2f}", here),
            (f"{there:.2f}", there),
            "" if weight is None else (f"{weight:g}", weight),
            "" if weight is None else _signed(weight * (here - there)),
        ]
        for name, here, there, weight in score_rows(comparison, explanation)
    ]
    total = comparison.recognized.score - comparison.other.score
    rows.append(["score", "", "", "", _signed(total)])
    columns = ["log-probability", "recognised", "other", "weight", "adds"]
    return table(caption, columns, rows)


def _signed(number: float) -> Cell:
    return f"{number + 0.0:+.2f}", number  # no -0.00


def _memory(explanation: Explanation) -> Markup:
    if not explanation.layers:
        return section("Memory", paragraph(f"The gates are not known: {explanation.reason}."))
    rows = half_life_rows(explanation)
    if not rows:
        return section(
            "Memory",
            paragraph("A simple recurrent layer has no gates: nothing protects what it remembers."),
        )
    kept = explanation.layers[0][0].kept
    caption = f"Seconds in which a unit's memory falls to a half, from its {kept} gate"
    columns = ["layer", "shortest tenth", "median", "longest tenth", "longest"]
    return section(
        "Memory",
        table(
            caption, columns, [[name, *((f"{v:.3f}", v) for v in values)] for name, values in rows]
        ),
        paragraph(
            "Computed from the weights in the file; the probabilities differ from the file's by "
            f"{explanation.difference:.1g} on average."
        ),
    )
