"""Hot words: words and phrases that a decoder is to expect.

The search knows nothing of them: what it finds without them is found with them too. Then the
log-probabilities are searched for their labels (`spotting`), and where one fits, a second search
may read it (`detours`). It takes part in the result on two conditions, whatever its weight:

- It fits. The best path of its labels stays behind the likeliest label of each frame by at most
  MAX_GAP a label, and behind the words that were found without it by at most MAX_LOSS. A long word
  may be further behind, for it is less likely to fit by chance.
- The whole text that has it scores better than that without it, where a hot word adds its weight
  for each label, but at most MAX_GAIN: enough to make up for what the language model thinks of a
  rare word, too little to turn the scale against a word that is heard. From that is taken the
  logarithm of the number of hot words: of many, one fits by chance sooner.

scripts/benchmarks/hot_words.py measures what that comes to.
"""

from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig, HotWord
from speechlstm.decoding.detours import Detour, log_prob_of, words_ended
from speechlstm.decoding.fusion import NO_WORD
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.log_probs import LOG_ZERO
from speechlstm.decoding.spotting import Spotter
from speechlstm.errors import ConfigError, quoted
from speechlstm.text.alphabet import Alphabet

# Natural logarithms, for each label of a hot word; all but the gain are up to LEEWAY more for those
# of more than 6 labels, all of it from 10 on. The leeway is of a single hot word, and less the more
# there are: of 2,000 with all of it, 6 that were not said changed one of 93 transcripts each.
MAX_GAP = 1.25
MAX_LOSS = 0.7
MAX_TOTAL_LOSS = 1.0  # of the whole text's log-probability
LEEWAY = 1.0
_MANY = 100  # hot words, of which none has leeway
MAX_GAIN = 1.25
_LEAST_PROMISE = -4.0  # of a candidate's fit and gain: the language model seldom adds so much
_MAX_WAYS = 8  # in which a phrase may be pronounced
_MAX_DETOURS = 32  # in one utterance

Pronunciations = Mapping[str, Sequence[Sequence[str]]]  # of each word: the symbols of each way


class Phrase(NamedTuple):
    """One way in which labels stand for a hot word or phrase.

    Attributes:
        words: Its words.
        labels: Of each word.
        weight: For each label.
    """

    words: tuple[str, ...]
    labels: tuple[tuple[int, ...], ...]
    weight: float

    @property
    def num_labels(self) -> int:
        """Labels of all words."""
        return sum(map(len, self.labels))


class HotWords:
    """The hot words of positive weight of a decoder.

    Args:
        config: The hot words.
        alphabet: What labels stand for.
        boundary: The label between words; 0: there is none.
        lexicon: How words are spelled or pronounced; None: as their characters spell them.
        pronunciations: Of words that the lexicon lacks.

    Raises:
        AlphabetError: A word has characters that the alphabet lacks.
        ConfigError: A word is in no lexicon, and the alphabet's symbols are phones.
    """

    def __init__(
        self,
        config: DecodeConfig,
        alphabet: Alphabet,
        boundary: int,
        lexicon: LexiconTree | None,
        pronunciations: Pronunciations,
    ) -> None:
        self._boundary = boundary
        weights = {
            tuple(hot_word.phrase.split()): _weight(hot_word, config)
            for hot_word in config.hot_words
            if _weight(hot_word, config) > 0
        }
        self._phrases = _spelled(weights, alphabet, lexicon, pronunciations)
        self._penalty = float(np.log(max(1, len(weights))))
        self._leeway = LEEWAY * max(0.0, 1 - self._penalty / float(np.log(_MANY)))
        edge = [(boundary,)] if boundary else []
        self._codes: list[int] = []  # of the first word of each phrase
        self._words: list[tuple[str, int]] = []  # text and number of labels, by code
        rows = []
        for phrase in self._phrases:
            self._codes.append(NO_WORD - 1 - len(self._words))
            self._words += [(w, len(x)) for w, x in zip(phrase.words, phrase.labels, strict=True)]
            labels, _, _ = words_ended(phrase.labels, NO_WORD, boundary)
            rows.append([label for part in (*edge, labels) for label in part])
        self._rows = rows
        max_gaps = [self.most(MAX_GAP, phrase.num_labels) for phrase in self._phrases]
        self._spotter = Spotter(rows, max_gaps) if rows else None

    def __bool__(self) -> bool:
        return bool(self._phrases)

    def text(self, word: int) -> str:
        """The word of a code of a detour."""
        return self._words[NO_WORD - 1 - word][0]

    def num_labels(self, words: Sequence[int]) -> int:
        """How many labels of a hypothesis, given by its words, come from detours."""
        return sum(self._words[NO_WORD - 1 - word][1] for word in words if word < NO_WORD)

    def most(self, per_label: float, num_labels: int) -> float:
        """How far hot words of so many labels may be behind, with their leeway."""
        return num_labels * (per_label + self._leeway * min(max(num_labels - 6, 0) / 4, 1))

    def detours(
        self,
        log_probs: NDArray[np.float32],
        path: NDArray[np.intp],
        found: Sequence[tuple[str, int, int]],
    ) -> list[Detour]:
        """Where hot words may be said.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms.
            path: (num_frames,), the label of each frame in the best hypothesis without hot words.
            found: Its words, each with its first frame and one past its last.

        Returns:
            The most promising ones; none where no hot word fits that was not found without them.
        """
        if not (self._spotter and len(log_probs)):
            return []
        num_frames = len(log_probs)
        if self._boundary:  # before the first frame and after the last one there is a boundary
            edge = np.full((1, log_probs.shape[1]), LOG_ZERO, np.float32)
            edge[0, self._boundary] = 0
            log_probs = np.concatenate((edge, log_probs, edge))
            path = np.pad(path, 1, constant_values=self._boundary)
        first = int(self._boundary > 0)  # of the frames that were given
        best = log_probs.max(axis=1)
        on_path = np.take_along_axis(log_probs, path[:, np.newaxis], axis=1)[:, 0]
        behind = np.concatenate(([0.0], np.cumsum(best - on_path, dtype=np.float64)))
        ranked, is_new = [], False
        for spot in self._spotter.spots(log_probs):
            phrase = self._phrases[spot.phrase]
            fit = behind[spot.stop] - behind[spot.start] - spot.gap
            gain = self._gain(phrase)
            if fit < -self.most(MAX_LOSS, phrase.num_labels) or fit + gain < _LEAST_PROMISE:
                continue
            log_prob = log_prob_of(log_probs[spot.start : spot.stop], self._rows[spot.phrase])
            start, stop = max(0, spot.start - first), min(num_frames, spot.stop - first)
            is_new = is_new or not _is_found(phrase.words, start, stop, found)
            ranked.append((fit + gain, self._detour(spot.phrase, start, stop, log_prob)))
        if not is_new:
            return []
        ranked.sort(key=lambda item: -item[0])
        return [detour for _, detour in ranked[:_MAX_DETOURS]]

    def _gain(self, phrase: Phrase) -> float:
        return min(phrase.weight, MAX_GAIN) * phrase.num_labels - self._penalty

    def _detour(self, index: int, start: int, stop: int, log_prob: float) -> Detour:
        phrase = self._phrases[index]
        labels, ended, last = words_ended(phrase.labels, self._codes[index], self._boundary)
        gain = self._gain(phrase)
        return Detour(start, stop, labels, phrase.words, ended, last, log_prob, gain)


def _is_found(
    words: tuple[str, ...], start: int, stop: int, found: Sequence[tuple[str, int, int]]
) -> bool:
    """Whether words with their frames hold those of a phrase in about these frames."""
    num_words = len(words)
    for i in range(len(found) - num_words + 1):
        same = found[i : i + num_words]
        overlaps = same[0][1] < stop and start < same[-1][2]
        if overlaps and tuple(word for word, _, _ in same) == words:
            return True
    return False


def _weight(hot_word: HotWord, config: DecodeConfig) -> float:
    return config.hot_word_weight if hot_word.weight is None else hot_word.weight


def _spelled(
    weights: Mapping[tuple[str, ...], float],
    alphabet: Alphabet,
    lexicon: LexiconTree | None,
    pronunciations: Pronunciations,
) -> list[Phrase]:
    """All ways in which labels stand for phrases."""
    words = dict.fromkeys(word for phrase in weights for word in phrase)
    ways = lexicon.sequences_of(words) if lexicon else {}
    given = {word: pronunciations[word] for word in words if word in pronunciations}
    ways |= LexiconTree.from_pronunciations(given, alphabet).sequences_of(given)
    for word in words:
        if word in ways:
            continue
        if alphabet.separator and lexicon:
            raise ConfigError(
                f"the hot word {quoted(word)} is not in the lexicon, and phones do not tell "
                "how a word is spelled; add it to the lexicon"
            )
        ways[word] = [tuple(alphabet.encode(word, f"hot word {quoted(word)}"))]
    return [
        Phrase(phrase, labels, weight)
        for phrase, weight in weights.items()
        for labels in islice(product(*(ways[word] for word in phrase)), _MAX_WAYS)
    ]
