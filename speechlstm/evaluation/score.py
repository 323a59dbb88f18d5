"""Scores the texts of one file against those of another, paired by id or by order."""

from collections.abc import Callable, Iterator

import numpy as np

from speechlstm.arguments import StrPath
from speechlstm.errors import DataError, counted
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.pairing import common_keys
from speechlstm.evaluation.readable import readable_report, written_tokens
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.transcript_entry import TranscriptEntry
from speechlstm.evaluation.transcript_files import TranscriptFile, read_transcript_file
from speechlstm.text.normalize import normalize

_MAX_NAMED = 20  # ids in a message
_PAIRED, _DELETED, _INSERTED = range(3)  # steps of an alignment

Pair = tuple[TranscriptEntry, TranscriptEntry]


def score_files(
    reference: StrPath, hypothesis: StrPath, with_ids: bool = False, readable: bool = False
) -> EvaluationReport:
    """Score the texts of one file against those of another: see score_transcripts.

    >>> score_files("data/samples/date.txt", "data/samples/date.txt").wer
    0.0

    Args:
        reference: The reference transcripts; see read_transcript_file for the formats.
        with_ids: Whether the lines of text files begin with an id.
        readable: Whether case and punctuation count.

    Raises:
        DataError: A file cannot be read, a text has no counterpart, or there are no texts.
    """
    return score_transcripts(
        read_transcript_file(reference, with_ids, readable),
        read_transcript_file(hypothesis, with_ids, readable),
        readable,
    )


def score_transcripts(
    references: TranscriptFile, hypotheses: TranscriptFile, readable: bool = False
) -> EvaluationReport:
    """Score the texts of one file against those of another.

    If the texts of both files have ids, texts with the same id are paired, in any order. Ids that
    are paths may differ in leading folders, in the suffix of a file (not `call.1` and `call.2`), in
    the form of Unicode and in what CTM writes otherwise, such as spaces, as long as they stay
    unique.
    Otherwise, the texts are paired by their order. A text without an id gets its number, from 1, as
    id.

    Args:
        readable: Whether case and punctuation count; the result is a ReadableReport then.

    Raises:
        DataError: A text has no counterpart, or there are no texts.
    """
    if references.has_ids and hypotheses.has_ids:
        pairs = list(_pair_by_id(references, hypotheses))
    else:
        pairs = list(_pair_by_order(references, hypotheses))
    prepare = written_tokens if readable else normalize
    scores = []
    for number, (expected, found) in enumerate(pairs, start=1):
        hypothesis = prepare(_scored_text(found, expected))
        texts = _with_omitted(expected, hypothesis, prepare)
        scores.append(Score(expected.id or found.id or str(number), *texts, expected.speaker))
    if not scores:
        raise DataError(f"{references.path}: no text to score against")
    skipped = tuple(e.id for e in references.untranscribed if e.id is not None)
    report = EvaluationReport(tuple(scores), skipped)
    return readable_report(report) if readable else report


def compare(
    utterance_id: str, reference: str, hypothesis: str, speaker: str | None = None
) -> Score:
    """Score a hypothesis against a reference; both are normalised first.

    >>> compare("u1", "Yes, stop!", "yes stop").words.num_errors
    0
    """
    return Score(utterance_id, normalize(reference), normalize(hypothesis), speaker)


def seem_to_have_ids(references: TranscriptFile, hypotheses: TranscriptFile) -> bool:
    """Whether the lines of two plain text files seem to begin with ids.

    This is so if the first words are unique, the same in both files, and each has a digit.
    """
    firsts = []
    for file in (references, hypotheses):
        texts = [entry.text or "" for entry in file.transcribed if entry.id is None]
        words = [text.split(None, 1)[0] for text in texts if text.strip()]
        if len(words) < 2 or len({*words}) < len(words):
            return False
        firsts.append({*words})
    return firsts[0] == firsts[1] and all(any(map(str.isdigit, word)) for word in firsts[0])


def _pair_by_order(references: TranscriptFile, hypotheses: TranscriptFile) -> Iterator[Pair]:
    counts = len(references.transcribed), len(hypotheses.transcribed)
    for file, count in zip((references, hypotheses), counts, strict=True):
        if file.omits_silence and not count:
            raise DataError(f"{file.path}: has no word")
    if counts[0] != counts[1]:
        raise DataError(
            f"{references.path} has {counted(counts[0], 'text')}, {hypotheses.path} has "
            f"{counts[1]}; without ids both need one line an utterance, empty for silence"
        )
    yield from zip(references.transcribed, hypotheses.transcribed, strict=True)


def _pair_by_id(references: TranscriptFile, hypotheses: TranscriptFile) -> Iterator[Pair]:
    reference_key, hypothesis_key = common_keys(references.ids(), hypotheses.ids())
    found = {hypothesis_key(e.id or ""): e for e in hypotheses.transcribed}
    expected = {reference_key(e.id or ""): e for e in references.transcribed}
    skipped = {reference_key(e.id or "") for e in references.untranscribed}
    lacking = {} if hypotheses.omits_silence and expected.keys() & found.keys() else expected
    only_reference = [e.id or "" for key, e in lacking.items() if key not in found]
    only_hypothesis = [
        e.id or "" for key, e in found.items() if key not in expected.keys() | skipped
    ]
    faults = [
        f"{path} lacks {len(ids)} of the texts of {other}: {_named(ids)}"
        for path, other, ids in (
            (hypotheses.path, references.path, only_reference),
            (references.path, hypotheses.path, only_hypothesis),
        )
        if ids
    ]
    if faults:
        raise DataError("; ".join(faults))
    for key, entry in expected.items():
        yield entry, found.get(key, TranscriptEntry(entry.id, ""))


def _named(ids: list[str]) -> str:
    return ", ".join(ids[:_MAX_NAMED]) + (", ..." if len(ids) > _MAX_NAMED else "")


def _scored_text(found: TranscriptEntry, expected: TranscriptEntry) -> str:
    """The text without the words in spans that are not scored."""
    text, spans = found.text or "", expected.ignored
    if not (text and spans) or found.ignored:  # an STM, without such words itself
        return text
    if found.word_times is None:
        raise DataError(
            f"{expected.id}: has segments that are not scored, so the recognised words must have "
            "times; give JSON or CTM (transcribe --format json)"
        )
    timed = zip(text.split(), found.word_times, strict=True)
    return " ".join(w for w, time in timed if not any(s <= time < e for s, e in spans))


def _with_omitted(
    expected: TranscriptEntry, hypothesis: str, prepare: Callable[[str], str]
) -> tuple[str, str]:
    """The reference, and the hypothesis with words that may be left out and are.

    They count as correct, as in sclite. Without them in the reference, that of two systems would
    differ, and they could not be compared.
    """
    text = expected.text or ""
    if not expected.optional:
        return prepare(text), hypothesis
    words = [
        (word, index in expected.optional)
        for index, written in enumerate(text.split())
        for word in prepare(written).split()
    ]
    reference = " ".join(word for word, _ in words)
    return reference, " ".join(_aligned_with_optional(words, hypothesis.split()))


def _aligned_with_optional(reference: list[tuple[str, bool]], hypothesis: list[str]) -> list[str]:
    """The hypothesis with the optional words that an alignment with the fewest errors leaves out.

    By Levenshtein's distances, in which the deletion of an optional word costs nothing.
    """
    numbers = {word: number for number, word in enumerate(hypothesis)}
    found = np.array([numbers[word] for word in hypothesis], int)
    columns = np.arange(len(found) + 1)
    row, steps = columns, np.empty((len(reference), len(columns)), np.int8)
    for step, (word, is_optional) in zip(steps, reference, strict=True):
        best = row + (not is_optional)
        paired = row[:-1] + (found != numbers.get(word))
        step[0], step[1:] = _DELETED, np.where(paired <= best[1:], _PAIRED, _DELETED)
        best[1:] = np.minimum(best[1:], paired)
        row = np.minimum.accumulate(best - columns) + columns
        step[row < best] = _INSERTED
    filled, column = list(hypothesis), len(hypothesis)
    for step, (word, is_optional) in zip(steps[::-1], reversed(reference), strict=True):
        while step[column] == _INSERTED:
            column -= 1
        if step[column] == _PAIRED:
            column -= 1
        elif is_optional:
            filled.insert(column, word)
    return filled
