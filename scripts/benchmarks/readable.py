"""How well capitals and punctuation are restored, of words that are known.

    python scripts/benchmarks/readable.py punctuated.txt.xz --speech common-voice/valid.jsonl

Of the text, those passages count that the recipe (scripts/recipes/punctuator.py) holds out for
tests. Each is restored by itself, then all that follow one another as one. Of the recordings that
--speech names, the words of the text are aligned with the sound, so that pauses are known; they are
restored with and without them. Beside it stands what writes a capital at the beginning and a period
at the end.
"""

import time
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from pathlib import Path

import click

from speechlstm.bundle import find_bundle, read_bundle
from speechlstm.evaluation.readable import LabelCounts
from speechlstm.readable.marked_text import (
    CAPITALISED,
    CASES,
    LOWER,
    MARKS,
    NO_MARK,
    PERIOD,
    SENTENCE_ENDS,
    in_case,
)
from speechlstm.readable.punctuation import Punctuator
from speechlstm.recognizer import Recognizer
from speechlstm.training.punctuation.text import (
    Passage,
    aligned_passages,
    read_passages,
    split_passages,
)

BLOCK = 50  # passages that are held out together follow one another

Restored = tuple[list[int], list[int]]


def capital_and_period(words: Sequence[str]) -> Restored:
    """What needs no network."""
    rest = len(words) - 1
    return [*[NO_MARK] * rest, PERIOD], [CAPITALISED, *[LOWER] * rest]


def restored(punctuator: Punctuator, words: list[str], pauses: list[float | None]) -> Restored:
    """Marks and cases as they are written: the first word of a sentence is capitalised."""
    marks, cases = punctuator.restore(words, pauses)
    for place, case in enumerate(cases):
        if case == LOWER and (place == 0 or marks[place - 1] in SENTENCE_ENDS):
            cases[place] = CAPITALISED
    return marks, cases


def show(name: str, passages: Iterable[Passage], found: Iterable[Restored]) -> None:
    """Print a line of F1."""
    marks, cases = LabelCounts(len(MARKS)), LabelCounts(len(CASES))
    num_words, num_wrong = 0, 0
    for passage, (found_marks, found_cases) in zip(passages, found, strict=True):
        marks.add([word.mark for word in passage], found_marks)
        cases.add([word.case for word in passage], found_cases)
        num_words += len(passage)
        num_wrong += sum(
            in_case(word.text, word.case) != in_case(word.text, case)
            for word, case in zip(passage, found_cases, strict=True)
        )
    scores = [marks.f1(n) for n in range(1, len(MARKS))] + [cases.f1(n) for n in (1, 2)]
    columns = "".join(f"{100 * score:7.1f}" for score in scores)
    click.echo(f"{name:38}{num_words:7}{columns}{100 * num_wrong / num_words:9.2f} %")


def texts(passage: Passage) -> list[str]:
    """The words of a passage as they are recognised."""
    return [word.text for word in passage]


@click.command(epilog="Example: python scripts/benchmarks/readable.py punctuated.txt.xz")
@click.argument("text", type=click.Path(path_type=Path, exists=True))
@click.option("--speech", type=click.Path(path_type=Path, exists=True), multiple=True,
              metavar="MANIFEST")  # fmt: skip
@click.option("--bundle", metavar="BUNDLE", help="[default: the package's]")
@click.option("--punctuator", "path", type=click.Path(path_type=Path), metavar="TFLITE",
              help="In place of the bundle's.")  # fmt: skip
def main(text: Path, speech: tuple[Path, ...], bundle: str | None, path: Path | None) -> None:
    """Prints F1 of marks and cases, in percent, and how many words are in the wrong case."""
    path = path or read_bundle(find_bundle(bundle)).decoder.punctuator
    if not path:
        raise click.UsageError("the bundle has no network for readable text")
    punctuator = Punctuator(path)
    _, _, passages = split_passages(read_passages(text))
    heads = [*MARKS[1:], "Capital", "CAPS"]
    click.echo(f"{'':38}{'words':>7}{''.join(f'{head:>7}' for head in heads)} wrong case")
    show("text: capital and period", passages, (capital_and_period(texts(p)) for p in passages))
    alone = [restored(punctuator, texts(p), [None] * len(p)) for p in passages]
    show("text: network, each passage", passages, alone)
    running = [
        list(chain.from_iterable(passage for _, passage in group))
        for _, group in groupby(enumerate(passages), lambda item: item[0] // BLOCK)
    ]
    started = time.process_time()
    found = [restored(punctuator, texts(p), [None] * len(p)) for p in running]
    seconds = time.process_time() - started
    show("text: network, passages as one", running, found)
    for manifest in speech:
        recordings = list(aligned_passages(Recognizer.load(bundle, greedy=True), manifest))
        spoken = [passage for passage, _ in recordings]
        name = f"{manifest.parent.name}:"
        show(f"{name} capital and period", spoken, (capital_and_period(texts(p)) for p in spoken))
        without = [restored(punctuator, texts(p), [None] * len(p)) for p in spoken]
        show(f"{name} network without pauses", spoken, without)
        heard = [restored(punctuator, texts(p), [*pauses, None]) for p, pauses in recordings]
        show(f"{name} network with pauses", spoken, heard)
    per_minute = seconds / sum(map(len, running)) * 150
    click.echo(f"{1000 * per_minute:.1f} ms of CPU for 150 words, about a minute of speech")


if __name__ == "__main__":
    main()
