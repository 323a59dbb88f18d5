"""What is wrong with a corpus, and what it is like: faults, speakers, sound, duplicates, words."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from speechlstm.corpora.fingerprint import Alike, find_alike
from speechlstm.corpora.sound import Sound
from speechlstm.corpora.stats import ManifestStats, stats_of
from speechlstm.corpora.survey import Survey, Surveyed
from speechlstm.errors import DataError
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.score import compare
from speechlstm.parallel import Progress, no_progress
from speechlstm.recognizer.batch import FileTranscriber, transcribe_each
from speechlstm.text.normalize import normalize

MAX_SHARE = 0.01  # of the utterances that may have a fault of a kind
MAX_CLIPPED = 0.001  # of the samples of a recording
MAX_SILENCE = 3.0  # seconds in one piece


@dataclass(frozen=True)
class Fault:
    """A kind of fault, and the utterances that have it.

    Attributes:
        utterances: Their ids; of duplicates, all but the first of each.
        share: Of all utterances, 0..1.
        limit: The largest share that is allowed.
    """

    name: str
    utterances: tuple[str, ...]
    share: float
    limit: float

    @property
    def is_exceeded(self) -> bool:
        """Whether there are more than are allowed."""
        return self.share > self.limit


@dataclass(frozen=True)
class Speaker:
    """A speaker.

    Attributes:
        lists: The indices of the manifests that have them.
    """

    name: str
    num_utterances: int
    seconds: float
    lists: tuple[int, ...]


@dataclass(frozen=True)
class DataReport:
    """A report on the utterances of one or several manifests.

    Attributes:
        lists: The names of the manifests.
        known_words: The words of the lexicon; None: there is none.
        scores: How a recogniser understands some of the utterances, by their index in the survey.
        max_share: The share of the utterances that may have a fault of a kind.
    """

    lists: tuple[str, ...]
    survey: Survey
    known_words: Collection[str] | None = None
    scores: Mapping[int, Score] | None = None
    max_share: float = MAX_SHARE

    @cached_property
    def stats(self) -> ManifestStats:
        """The statistics of all utterances, as `speechlstm manifest stats` counts."""
        return stats_of([item.utterance for item in self.survey.utterances])

    @cached_property
    def sounds(self) -> list[tuple[Surveyed, Sound]]:
        """The utterances whose recordings can be read, with what was measured."""
        return [(item, item.sound) for item in self.survey.utterances if item.sound]

    @cached_property
    def speakers(self) -> list[Speaker]:
        """The speakers, the one with most speech first."""
        by_name: defaultdict[str, list[Surveyed]] = defaultdict(list)
        for item in self.survey.utterances:
            if item.utterance.speaker is not None:
                by_name[item.utterance.speaker].append(item)
        found = [
            Speaker(
                name,
                len(items),
                sum(item.utterance.duration for item in items),
                tuple(sorted({item.list_index for item in items})),
            )
            for name, items in by_name.items()
        ]
        return sorted(found, key=lambda speaker: (-speaker.seconds, speaker.name))

    @cached_property
    def alike(self) -> list[tuple[Surveyed, Surveyed, Alike]]:
        """The pairs of recordings with the same sound."""
        items = [item for item in self.survey.utterances if item.fingerprint]
        pairs = find_alike([item.fingerprint for item in items if item.fingerprint])
        return [(items[pair.first], items[pair.second], pair) for pair in pairs]

    @cached_property
    def repeated_texts(self) -> list[tuple[str, list[Surveyed]]]:
        """The normalised texts that several utterances have, the most frequent first."""
        by_text: defaultdict[str, list[Surveyed]] = defaultdict(list)
        for item in self.survey.utterances:
            if text := normalize(item.utterance.text or ""):
                by_text[text].append(item)
        several = [(text, items) for text, items in by_text.items() if len(items) > 1]
        return sorted(several, key=lambda pair: (-len(pair[1]), pair[0]))

    @cached_property
    def words(self) -> Counter[str]:
        """The count of each word in the normalised texts."""
        texts = (normalize(item.utterance.text or "") for item in self.survey.utterances)
        return Counter(word for text in texts for word in text.split())

    @property
    def unknown_words(self) -> list[tuple[str, int]]:
        """The words that the lexicon lacks, with their counts, the most frequent first."""
        if self.known_words is None:
            return []
        return [pair for pair in self.words.most_common() if pair[0] not in self.known_words]

    @property
    def disagreements(self) -> list[tuple[Surveyed, Score]]:
        """The utterances that the recogniser understands otherwise, the worst first."""
        found = [(self.survey.utterances[i], score) for i, score in (self.scores or {}).items()]
        wrong = [pair for pair in found if pair[1].characters.num_errors]
        return sorted(wrong, key=lambda pair: (-pair[1].characters.rate, pair[1].id))

    @cached_property
    def faults(self) -> list[Fault]:
        """The kinds of faults. None of what two lists have in common is allowed."""
        return [
            self._fault(
                "unreadable or wrong entry",
                [item for item in self.survey.utterances if item.faults],
                self.survey.bad_lines,
            ),
            self._fault(
                "silent, but with a text",
                [item for item in self._with(lambda s: s.is_silent) if item.utterance.text],
            ),
            self._fault(
                f"clipped (over {MAX_CLIPPED:.1%} of samples)",
                self._with(lambda s: s.clipped > MAX_CLIPPED),
            ),
            self._fault(
                f"silence of over {MAX_SILENCE:g} s",
                self._with(lambda s: s.longest_silence > MAX_SILENCE),
            ),
            self._fault("telephone band in a wideband file", self._with(lambda s: s.is_narrow)),
            self._fault("same sound as another", _unique([second for _, second, _ in self.alike])),
            *self._leaks(),
        ]

    def _with(self, is_wrong: Callable[[Sound], bool]) -> list[Surveyed]:
        """The utterances with such a sound."""
        return [item for item, sound in self.sounds if is_wrong(sound)]

    def _leaks(self) -> list[Fault]:
        """What several lists have in common."""
        if len(self.lists) < 2:
            return []
        shared = {speaker.name for speaker in self.speakers if len(speaker.lists) > 1}
        by_speaker = [i for i in self.survey.utterances if i.utterance.speaker in shared]
        by_sound = [b for a, b, _ in self.alike if a.list_index != b.list_index]
        found = [
            self._fault("speaker in several lists", by_speaker),
            self._fault("sound in several lists", _unique(by_sound)),
        ]
        return [replace(fault, limit=0.0) for fault in found]

    def _fault(self, name: str, items: Sequence[Surveyed], others: Sequence[str] = ()) -> Fault:
        ids = (*(item.utterance.id for item in items), *others)
        share = len(ids) / (len(self.survey.utterances) + len(self.survey.bad_lines))
        return Fault(name, ids, share, self.max_share)

    @property
    def is_faulty(self) -> bool:
        """Whether there are more faults of any kind than are allowed."""
        return any(fault.is_exceeded for fault in self.faults)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values; seconds, dB, Hz and shares as the types define them."""
        unknown = self.unknown_words
        return {
            "lists": list(self.lists),
            "is_faulty": self.is_faulty,
            "faults": [
                asdict(fault) | {"is_exceeded": fault.is_exceeded} for fault in self.faults
            ],
            "stats": self.stats.to_dict(),
            "speakers": [asdict(speaker) for speaker in self.speakers],
            "words": {
                "num_unknown": None if self.known_words is None else sum(n for _, n in unknown),
                "unknown": dict(unknown),
            },
            "same_sound": [
                {
                    "first": first.utterance.id,
                    "second": second.utterance.id,
                    "lists": [first.list_index, second.list_index],
                    "is_copy": pair.is_copy,
                    "seconds": pair.seconds,
                }
                for first, second, pair in self.alike
            ],
            "same_text": {
                text: [item.utterance.id for item in items] for text, items in self.repeated_texts
            },
            "disagreements": None if self.scores is None else [
                score.to_dict() | {"list": item.list_index} for item, score in self.disagreements
            ],
            "bad_lines": list(self.survey.bad_lines),
            "utterances": [
                {
                    "id": item.utterance.id,
                    "list": item.list_index,
                    "faults": list(item.faults),
                    "sound": asdict(item.sound) if item.sound else None,
                }
                for item in self.survey.utterances
            ],
        }  # fmt: skip


def _unique(items: Sequence[Surveyed]) -> list[Surveyed]:
    return list({id(item): item for item in items}.values())


def compare_with(
    load: Callable[[], FileTranscriber],
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

    Returns:
        The scores, by the index of the utterance in the survey; those that cannot be read are left
        out.
    """
    usable = [i for i, item in enumerate(survey.utterances) if item.sound and item.utterance.text]
    step = max(1, -(-len(usable) // max_utterances))
    chosen = usable[::step]
    attempts = transcribe_each(load, [survey.utterances[i].recording for i in chosen], jobs)
    scores = {}
    for index, attempt in zip(chosen, progress(attempts, len(chosen), "recognising"), strict=True):
        if not isinstance(attempt.result, DataError):
            entry = survey.utterances[index].utterance
            scores[index] = compare(entry.id, entry.text or "", attempt.result.text, entry.speaker)
    return scores
