"""Transcribes the utterances of a manifest and scores the transcripts."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.errors import DataError, ManifestError
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.score import compare
from speechlstm.parallel import Progress, no_progress
from speechlstm.recognizer.batch import FileTranscriber, transcribe_each
from speechlstm.text.normalize import normalize
from speechlstm.transcript import Transcript, Word


def evaluate(
    load: Callable[[], FileTranscriber],
    manifest: Manifest,
    progress: Progress = no_progress,
    jobs: int = 1,
    ray_address: str | None = None,
) -> EvaluationReport:
    """Transcribe the utterances of a manifest and score the transcripts.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from speechlstm.corpora.manifest import write_manifest
    >>> from speechlstm.recognizer import Recognizer
    >>> recording = str(Path("data/samples/zip.wav").absolute())
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "one.jsonl")
    ...     write_manifest(path, [Utterance("zip", recording, 2.3, "one eight zero zero five")])
    ...     evaluate(Recognizer.load, Manifest(path)).wer
    0.0

    Args:
        load: Returns the recogniser; it is called once in each process, so it must be picklable.
        manifest: Read completely before the first utterance is transcribed, so that an error in its
            last line is reported at once.
        jobs: The largest number of processes; see `transcribe_each`.
        ray_address: Of a Ray cluster that is used in place of them.

    Raises:
        ConfigError: There is no cluster at the address.
        ManifestError: No utterance has a text, or none with a text could be transcribed.
    """
    utterances = manifest.utterances
    paths = [manifest.recording(u) for u in utterances if u.text is not None]
    attempts = transcribe_each(load, paths, jobs, ray_address)
    scores: list[Score] = []
    skipped: list[str] = []
    failures: dict[str, str] = {}
    audio_seconds = compute_seconds = 0.0
    for utterance in progress(utterances, len(utterances), "evaluating"):
        if utterance.text is None:
            skipped.append(utterance.id)
            continue
        attempt = next(attempts)
        if isinstance(attempt.result, DataError):
            failures[utterance.id] = str(attempt.result)
            continue
        compute_seconds += attempt.compute_seconds
        audio_seconds += attempt.result.duration
        score = _score(utterance, utterance.text, attempt.result)
        scores.append(replace(score, compute_seconds=attempt.compute_seconds))
    if not scores:
        reason = next(iter(failures.values()), "none has a text")
        raise ManifestError(manifest.path, f"no utterance could be scored: {reason}")
    return EvaluationReport(tuple(scores), tuple(skipped), failures, audio_seconds, compute_seconds)


def _score(utterance: Utterance, reference: str, transcript: Transcript) -> Score:
    confidences = tuple(normalized_confidences(transcript.words))
    score = compare(utterance.id, reference, transcript.text, utterance.speaker)
    return replace(score, confidences=confidences, duration=transcript.duration)


def normalized_confidences(words: Iterable[Word]) -> Iterator[float]:
    """The confidence of each word of the normalised text.

    Normalisation may turn a word into several, which get its confidence, or into none.
    """
    return (word.confidence for word in words for _ in normalize(word.text).split())
