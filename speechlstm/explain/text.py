"""An explanation as text for a terminal."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import counted
from speechlstm.explain.cells import DirectionActivity
from speechlstm.explain.explanation import (
    RANGE_DB,
    Comparison,
    ExplainedWord,
    Explanation,
    Head,
    typical_units,
)

_BARS = " ▁▂▃▄▅▆▇█"
_COLUMNS = 80  # steps in a line
_MAX_RIVALS = 5  # of a word


def to_text(explanation: Explanation, num_units: int = 5) -> str:
    """Describe an explanation in lines of text.

    Args:
        num_units: The number of units of each direction whose forget gate is drawn.
    """
    sections = [
        _heading(explanation),
        _words(explanation),
        *(_comparison(comparison, explanation) for comparison in explanation.comparisons),
        *([_whole(explanation.whole, explanation)] if explanation.whole else []),
        _time_lines(explanation, num_units),
        _memory(explanation),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _heading(explanation: Explanation) -> list[str]:
    search = (
        f"beam search with {' and '.join(explanation.lms)} language model"
        if explanation.lms
        else "no language model"
    )
    lines = [
        f"{explanation.name}, {explanation.start:.2f} to {explanation.end:.2f} s: "
        f"{describe_network(explanation)}, {search}",
        f"recognised: {explanation.text or '(no words)'}",
    ]
    if explanation.reference is not None:
        lines.append(f"reference:  {' '.join(explanation.reference)}")
    return lines


def describe_network(explanation: Explanation) -> str:
    """The recurrent layers in a few words."""
    network = explanation.spec.network
    direction = "bidirectional" if network.bidirectional else "unidirectional"
    layers = counted(network.num_layers, f"{direction} {network.cell.upper()} layer")
    return f"{layers} of {counted(network.num_units, 'unit')}"


def _words(explanation: Explanation) -> list[str]:
    if not explanation.words:
        return ["No word was recognised: the best path through the network's output is blank."]
    confidence = "confidence" if explanation.is_calibrated else "posterior"
    width = max(len(explained.word.text) for explained in explanation.words)
    lines = [
        f"  start     end  {confidence}  {'word':{width}}  runners-up (share of the n-best list)"
    ]
    for explained in explanation.words:
        word = explained.word
        line = f"{word.start:7.2f} {word.end:7.2f}  {word.confidence:{len(confidence)}.2f}  "
        lines.append((line + f"{word.text:{width}}  {described_rivals(explained)}").rstrip())
    return lines


def described_rivals(explained: ExplainedWord) -> str:
    """The runners-up of a word with their shares, and whether `transcribe` leaves the word out."""
    rivals = [f"{other.text or '(nothing)'} {other.share:.3f}" for other in explained.runners_up]
    note = [] if explained.is_kept else ["left out by transcribe: no speech there"]
    return ", ".join(rivals[:_MAX_RIVALS] + note)


def _comparison(comparison: Comparison, explanation: Explanation) -> list[str]:
    """Why there is one text and not the other."""
    here, there = map(quoted_words, (comparison.words, comparison.others))
    what = ", the reference" if comparison.is_reference else ""
    lines = [
        f"{comparison.start:.2f} to {comparison.end:.2f} s: {here}, not {there}{what}"
        f" (share of the n-best list {comparison.share:.3f})",
        *(
            f"  {head.name:10}  {emitted or '(blank)'}"
            for head, emitted in zip(explanation.heads, comparison.emitted, strict=True)
        ),
    ]
    return lines + _scores(comparison, explanation) + [f"  {verdict(comparison, explanation)}"]


def _whole(comparison: Comparison, explanation: Explanation) -> list[str]:
    if comparison.recognized.words == comparison.other.words:
        return ["The recognised text is the reference."]
    title = "The whole text: recognised, and the reference"
    return [title, *_scores(comparison, explanation)]


def _scores(comparison: Comparison, explanation: Explanation) -> list[str]:
    """A table of what each model says, and of what that adds to the score."""
    rows = score_rows(comparison, explanation)
    lines = [f"  {'log-probability':22} {'recognised':>11} {'other':>11} {'weight':>7} {'adds':>8}"]
    for name, here, there, weight in rows:
        adds = "" if weight is None else f"{weight * (here - there) + 0.0:+8.2f}"
        shown = "" if weight is None else f"{weight:g}"
        lines.append(f"  {name:22} {here:11.2f} {there:11.2f} {shown:>7} {adds:>8}".rstrip())
    total = comparison.recognized.score - comparison.other.score
    lines.append(f"  {'score':22} {'':11} {'':11} {'':>7} {total:+8.2f}")
    return lines


def score_rows(
    comparison: Comparison, explanation: Explanation
) -> list[tuple[str, float, float, float | None]]:
    """What each model says of two texts.

    Returns:
        Name, natural log-probability of the recognised text and of the other one, and the weight in
        the score; None: it only counts as a part of the row "n-gram and LSTM".
    """
    here, there = comparison.recognized, comparison.other
    config, is_mixed = explanation.config, bool(here.lstm)
    rows: list[tuple[str, float, float, float | None]] = [
        ("acoustic model", here.acoustic, there.acoustic, 1.0)
    ]
    if here.lm:
        if is_mixed:
            rows.append(("n-gram model", sum(here.ngram), sum(there.ngram), None))
            rows.append(("LSTM", sum(here.lstm), sum(there.lstm), None))
        name = "n-gram and LSTM" if is_mixed else "n-gram model"
        rows.append((name, sum(here.lm), sum(there.lm), config.lm_weight))
        rows.append(
            ("number of words", float(len(here.words)), float(len(there.words)), config.word_bonus)
        )
    return rows


def verdict(comparison: Comparison, explanation: Explanation) -> str:
    """In one sentence, what decided."""
    here, there = map(quoted_words, (comparison.words, comparison.others))
    if comparison.unknown:
        return f"The lexicon lacks {quoted_words(comparison.unknown)}, which cannot be recognised."
    if comparison.other.labels is None:
        return f"How {there} is pronounced is not known."
    if not math.isfinite(comparison.other.acoustic):
        return f"{there} has more sounds than there is time for."
    rows = score_rows(comparison, explanation)
    acoustic = rows[0][1] - rows[0][2]
    total = comparison.recognized.score - comparison.other.score
    if comparison.sounds_alike:
        sound = f"Both sound alike ({_symbols(comparison, explanation)})"
    else:
        sound = (
            f"The acoustic model prefers {here if acoustic > 0 else there} by {abs(acoustic):.2f}"
        )
    rest = total - acoustic
    if comparison.recognized.lm:
        sound += f", the language model {here if rest > 0 else there} by {abs(rest):.2f}"
    if total < 0:
        return f"{sound}: {there} would score higher, but the search dropped it."
    return f"{sound}."


def _symbols(comparison: Comparison, explanation: Explanation) -> str:
    """The labels of the recognised words of a place."""
    head = next(head for head in explanation.heads if head.is_decoded)
    first, stop = comparison.place
    words = [explained.word for explained in explanation.words[first:stop]]
    return " ".join(head.symbol(e.label) for word in words for e in explanation.emissions(word))


def quoted_words(words: Sequence[str]) -> str:
    """Words in quotation marks; "nothing" if there is none."""
    return f'"{" ".join(words)}"' if words else "nothing"


def _time_lines(explanation: Explanation, num_units: int) -> list[str]:
    """Loudness, best labels and forget gates, step by step, in blocks of _COLUMNS steps."""
    num_steps = len(explanation.heads[0].log_probs)
    rows = [("loudness", _bars(_loudness(explanation, num_steps)))]
    rows += [(head.name, _best_labels(head)) for head in explanation.heads]
    for number, layer in enumerate(explanation.layers, 1):
        for direction, arrow in zip(layer, "→←", strict=False):
            rows += _gate_rows(direction, f"{number}{arrow}", num_units)
    width = max(len(name) for name, _ in rows)
    lines = [
        f"Step by step, {explanation.frame_seconds * 1000:g} ms each (· blank, ␣ space; the gate "
        f"that keeps the memory: {_BARS[1]} forgets, {_BARS[-1]} keeps)"
    ]
    for start in range(0, num_steps, _COLUMNS):
        stop = min(start + _COLUMNS, num_steps)
        lines.append(f"{explanation.start + start * explanation.frame_seconds:.2f} s")
        lines += [f"{name:{width}}  {''.join(cells[start:stop])}" for name, cells in rows]
    return lines


def _gate_rows(
    direction: DirectionActivity, name: str, num_units: int
) -> Iterator[tuple[str, list[str]]]:
    if direction.kept is None:
        return
    for unit in typical_units(direction, num_units):
        yield f"{name} unit {unit + 1}", _bars(direction.gates[direction.kept][:, unit])


def _loudness(explanation: Explanation, num_steps: int) -> NDArray[np.float64]:
    levels = explanation.spectrogram.max(axis=1)
    stack = explanation.spec.network.frame_stack
    padded = np.pad(levels, (0, num_steps * stack - len(levels)), "edge")
    loudest = padded.reshape(num_steps, stack).max(axis=1).astype(np.float64)
    return np.asarray(1 + loudest / RANGE_DB)


def _best_labels(head: Head) -> list[str]:
    """The most probable label of each step, of phones the first letter, and dots for repeats."""
    return [head.symbol(int(label))[0] for label in head.log_probs.argmax(axis=1)]


def _bars(values: NDArray[np.floating[Any]]) -> list[str]:
    places = (np.clip(values, 0, 1) * (len(_BARS) - 2)).round().astype(int) + 1
    return [_BARS[place] for place in places]


def _memory(explanation: Explanation) -> list[str]:
    """The half-lives of each layer's memory."""
    if not explanation.layers:
        return [f"The gates are not known: {explanation.reason}."]
    if explanation.layers[0][0].kept is None:
        return ["A simple recurrent layer has no gates: nothing protects what it remembers."]
    kept = explanation.layers[0][0].kept
    lines = [
        f"Seconds in which a unit's memory falls to a half (from its {kept} gate): the shortest "
        "tenth, median, the longest tenth, the longest",
        *(
            f"  layer {name:12}" + "".join(f"{value:9.3f}" for value in values)
            for name, values in half_life_rows(explanation)
        ),
    ]
    lines.append(
        f"Computed from the weights of {counted(len(explanation.layers), 'layer')} in the file; "
        f"the probabilities differ from the file's by {explanation.difference:.1g}."
    )
    return lines


def half_life_rows(explanation: Explanation) -> list[tuple[str, tuple[float, ...]]]:
    """For each layer and direction the quantiles 0.1, 0.5, 0.9 and 1 of half-lives, in seconds."""
    return [
        (f"{number} {name}", tuple(np.quantile(half_lives * step, [0.1, 0.5, 0.9, 1]).tolist()))
        for step in [explanation.frame_seconds]
        for number, layer in enumerate(explanation.layers, 1)
        for direction, name in zip(layer, ("forward", "backward"), strict=False)
        if (half_lives := direction.half_lives) is not None
    ]
