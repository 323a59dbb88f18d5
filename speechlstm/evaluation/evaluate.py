"""Recognises the utterances of a manifest and scores them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.errors import DataError, ManifestError
from speechlstm.evaluation.report import EvaluationReport, Score
from speechlstm.evaluation.score import compare
from speechlstm.recognizer.batch import Transcriber, transcribe_files
from speechlstm.text.normalize import normalize
from speechlstm.transcript import Transcript, Word


def evaluate(
    load: Callable[[], Transcriber],
    manifest: Manifest,
    track: Callable[[Sequence[Utterance]], Iterable[Utterance]] = iter,
    jobs: int = 1,
) -> EvaluationReport:
    """Recognises the utterances of a manifest and scores the transcripts.

    Args:
        load: Makes the recogniser; see transcribe_files, as for jobs.
        manifest: Read whole before the first utterance is recognised, so that a fault in its last
            line shows at once.
        track: Passes the utterances on one by one: a progress bar.
        jobs: Processes, at most.

    Raises:
        ManifestError: No utterance has a text, or none that has could be recognised.
    """
    utterances = list(manifest)
    paths = [manifest.audio_path(u) for u in utterances if u.text is not None]
    attempts = transcribe_files(load, paths, jobs)
    scores: list[Score] = []
    skipped: list[str] = []
    failures: dict[str, str] = {}
    audio_seconds = compute_seconds = 0.0
    for utterance in track(utterances):
        if utterance.text is None:
            skipped.append(utterance.id)
            continue
        attempt = next(attempts)
        if isinstance(attempt.result, DataError):
            failures[utterance.id] = str(attempt.result)
            continue
        compute_seconds += attempt.compute_seconds
        audio_seconds += attempt.result.duration
        scores.append(_judge(utterance, utterance.text, attempt.result))
    if not scores:
        reason = next(iter(failures.values()), "none has a text")
        raise ManifestError(manifest.path, f"no utterance could be scored: {reason}")
    return EvaluationReport(tuple(scores), tuple(skipped), failures, audio_seconds, compute_seconds)


def _judge(utterance: Utterance, reference: str, transcript: Transcript) -> Score:
    confidences = tuple(normalized_confidences(transcript.words))
    score = compare(utterance.id, reference, transcript.text, utterance.speaker)
    return replace(score, confidences=confidences)


def normalized_confidences(words: Iterable[Word]) -> Iterator[float]:
    """Of the words of normalised text: a word may be several of them, or none."""
    return (word.confidence for word in words for _ in normalize(word.text).split())
