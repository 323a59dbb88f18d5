"""Compares the texts of a corpus with what a recogniser understands."""

from collections.abc import Callable

from speechlstm.corpora.survey import Survey
from speechlstm.errors import DataError
from speechlstm.evaluation.report import Score
from speechlstm.evaluation.score import compare
from speechlstm.parallel import Progress, no_progress
from speechlstm.recognizer.batch import Transcriber, transcribe_files


def compare_with(
    load: Callable[[], Transcriber],
    survey: Survey,
    max_utterances: int,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> dict[int, Score]:
    """How a recogniser understands utterances that have a text, spread evenly.

    Args:
        load: Returns the recogniser; it must be picklable.
        survey: The utterances.
        max_utterances: The largest number of them.
        jobs: The largest number of processes.
        progress: Shows how many are done.

    Returns:
        The scores, by the index of the utterance in the survey; those that cannot be read are left
        out.
    """
    usable = [i for i, item in enumerate(survey.utterances) if item.sound and item.utterance.text]
    step = max(1, -(-len(usable) // max_utterances))
    chosen = usable[::step]
    attempts = transcribe_files(load, [survey.utterances[i].recording for i in chosen], jobs)
    scores = {}
    for index, attempt in zip(chosen, progress(attempts, len(chosen), "recognising"), strict=True):
        if not isinstance(attempt.result, DataError):
            entry = survey.utterances[index].utterance
            scores[index] = compare(entry.id, entry.text or "", attempt.result.text, entry.speaker)
    return scores
