"""Hot words: words and phrases that a decoder prefers.

The first search does not use them, so what it finds without them is found with them, too. Then
their labels are spotted in the log-probabilities (`spotting`), and a second search may use the
spotted phrases (`spotted_phrases`). A phrase can be part of the result on two conditions, whatever
its weight:

- It fits. The best path of its labels is below the most probable label of each frame by at most
  MAX_GAP a label, and below the words found without it by at most MAX_LOSS. A long word may be
  further below, because it is less likely to fit by chance. In a phrase, each word has to fit: it
  is below what was found in its place by at most WORD_LOSS and WORD_LOSS_A_LABEL a label, since
  the limits of a long phrase would allow for a word of it that is not said at all.
- The text with the phrase has a better score than the text without it. A hot word adds its weight
  for each label, but at most MAX_GAIN, which makes up for the low probability of a rare word in
  the language model but does not override a word that is clearly spoken. From this the logarithm
  of the number of hot words is subtracted, because one of many fits by chance more easily.

scripts/benchmarks/hot_words.py measures the effect.
"""

from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig, HotWord
from speechlstm.decoding.alignment import align
from speechlstm.decoding.beginnings import PhraseBeginnings
from speechlstm.decoding.fusion import NO_WORD
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.log_probs import LOG_ZERO
from speechlstm.decoding.spotted_phrases import SpottedPhrase, log_prob_of, words_ended
from speechlstm.decoding.spotting import Spot, Spotter
from speechlstm.errors import ConfigError, quoted
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.text.normalize import without_accents

# Natural logarithms, for each label of a hot word. For words of more than 6 labels, all limits
# except the gain are up to LEEWAY higher; words of 10 labels and more have all of it. This holds
# for a single hot word, and the leeway shrinks with their number: with all of it for 2,000 hot
# words, 6 that were not spoken changed a transcript each, of 93.
MAX_GAP = 1.25
MAX_LOSS = 0.7
MAX_TOTAL_LOSS = 1.0  # in the log-probability of the whole text
LEEWAY = 1.0
# For each word of a phrase; no less than the limit of the same word alone. In 83 recordings, 191
# phrases of 2 to 6 words were said and missed, and are found as hot phrases without these limits;
# 186 with them, 181 with 8 and 1 a label. Of 817 in which one word was replaced by any other, 1
# changes a text, 7 without them; limits at which none does lose at least 23 of the 191.
WORD_LOSS, WORD_LOSS_A_LABEL = 6.0, 1.75
_MANY = 100  # with this number of hot words, there is no leeway
MAX_GAIN = 1.25
_LEAST_PROMISE = -4.0  # of fit plus gain; the language model seldom adds more than this
_MAX_WAYS = 8  # the largest number of pronunciations of a phrase
_MAX_SPOTTED = 32  # in one utterance

Pronunciations = Mapping[str, Sequence[Sequence[str]]]  # word -> the symbols of each pronunciation


class Phrase(NamedTuple):
    """A hot word or phrase with one of its pronunciations or spellings.

    Attributes:
        weight: The weight for each label.
    """

    words: tuple[str, ...]
    labels: tuple[tuple[int, ...], ...]
    weight: float

    @property
    def num_labels(self) -> int:
        """The number of labels of all words."""
        return sum(map(len, self.labels))


class HotWords:
    """The hot words of positive weight of a decoder.

    Args:
        boundary: The label between words; 0: there is none.
        lexicon: The spellings or pronunciations of words; None: words are spelled by their
            characters.
        pronunciations: The pronunciations of words that the lexicon lacks.

    Attributes:
        beginnings: The first words of phrases.

    Raises:
        AlphabetError: A word has characters that the alphabet lacks.
        ConfigError: The symbols are phones, and a word is not in the lexicon.
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
        self._codes: list[int] = []  # the code of the first word of each phrase
        self._words: list[tuple[str, int]] = []  # text and number of labels of each code
        rows = []
        for phrase in self._phrases:
            self._codes.append(NO_WORD - 1 - len(self._words))
            self._words += [(w, len(x)) for w, x in zip(phrase.words, phrase.labels, strict=True)]
            labels, _, _ = words_ended(phrase.labels, NO_WORD, boundary)
            rows.append([label for part in (*edge, labels) for label in part])
        self._rows = rows
        max_gaps = [self.most(MAX_GAP, phrase.num_labels) for phrase in self._phrases]
        self._spotter = Spotter(rows, max_gaps) if rows else None
        self.beginnings = PhraseBeginnings((p.labels for p in self._phrases), boundary)

    def __bool__(self) -> bool:
        return bool(self._phrases)

    def text(self, word: int) -> str:
        """The word of a code of a spotted phrase."""
        return self._words[NO_WORD - 1 - word][0]

    def num_labels(self, words: Sequence[int]) -> int:
        """The number of labels of a hypothesis that belong to spotted phrases, from its words."""
        return sum(self._words[NO_WORD - 1 - word][1] for word in words if word < NO_WORD)

    def most(self, per_label: float, num_labels: int) -> float:
        """The largest loss, with its leeway, of hot words with this number of labels."""
        return num_labels * (per_label + self._leeway * min(max(num_labels - 6, 0) / 4, 1))

    def spot(
        self,
        log_probs: NDArray[np.float32],
        path: NDArray[np.intp],
        found: Sequence[tuple[str, int, int]],
    ) -> list[SpottedPhrase]:
        """Find the places where hot words may be spoken.

        Args:
            log_probs: (num_frames, num_labels), natural logarithms.
            path: (num_frames,), the label of each frame in the best hypothesis without hot words.
            found: The words of that hypothesis, each with its first frame and the frame after its
                last.

        Returns:
            The best spotted phrases; [] if none of them fits that was not found without hot words.
        """
        if not (self._spotter and len(log_probs)):
            return []
        num_frames = len(log_probs)
        if self._boundary:  # add a boundary before the first and after the last frame
            edge = np.full((1, log_probs.shape[1]), LOG_ZERO, np.float32)
            edge[0, self._boundary] = 0
            log_probs = np.concatenate((edge, log_probs, edge))
            path = np.pad(path, 1, constant_values=self._boundary)
        first = int(self._boundary > 0)  # the index of the first frame given
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
            if not self._each_word_fits(spot, log_probs, behind):
                continue
            log_prob = log_prob_of(log_probs[spot.start : spot.stop], self._rows[spot.phrase])
            start, stop = max(0, spot.start - first), min(num_frames, spot.stop - first)
            is_new = is_new or not _is_found(phrase.words, start, stop, found)
            ranked.append((fit + gain, self._spotted_phrase(spot.phrase, start, stop, log_prob)))
        if not is_new:
            return []
        ranked.sort(key=lambda item: -item[0])
        return [phrase for _, phrase in ranked[:_MAX_SPOTTED]]

    def _each_word_fits(
        self, spot: Spot, log_probs: NDArray[np.float32], behind: NDArray[np.float64]
    ) -> bool:
        """Whether no word of a phrase is far below what was found in its place.

        Args:
            behind: (num_frames + 1,), how far what was found is below the most probable labels of
                all frames before each.
        """
        words = self._phrases[spot.phrase].labels
        if len(words) == 1:
            return True
        row, scores = self._rows[spot.phrase], log_probs[spot.start : spot.stop]
        frames = align(scores, row)
        path = np.full(len(scores), BLANK)
        for label, (start, stop) in zip(row, frames, strict=True):
            path[start:stop] = label
        gaps = scores.max(axis=1) - np.take_along_axis(scores, path[:, np.newaxis], axis=1)[:, 0]
        first = edge = int(self._boundary > 0)
        for word in words:
            start, stop = frames[first][0], frames[first + len(word) - 1][1]
            found = behind[spot.start + stop] - behind[spot.start + start]
            if gaps[start:stop].sum() - found > WORD_LOSS + WORD_LOSS_A_LABEL * len(word):
                return False
            first += len(word) + edge
        return True

    def _gain(self, phrase: Phrase) -> float:
        return min(phrase.weight, MAX_GAIN) * phrase.num_labels - self._penalty

    def _spotted_phrase(self, index: int, start: int, stop: int, log_prob: float) -> SpottedPhrase:
        phrase = self._phrases[index]
        labels, ended, last = words_ended(phrase.labels, self._codes[index], self._boundary)
        gain = self._gain(phrase)
        return SpottedPhrase(start, stop, labels, phrase.words, ended, last, log_prob, gain)


def _is_found(
    words: tuple[str, ...], start: int, stop: int, found: Sequence[tuple[str, int, int]]
) -> bool:
    """Whether words with their frames contain the words of a phrase in about these frames."""
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
    """All phrases with each of their pronunciations or spellings."""
    words = dict.fromkeys(word for phrase in weights for word in phrase)
    ways = lexicon.sequences_of(words) if lexicon else {}
    given = {word: pronunciations[word] for word in words if word in pronunciations}
    symbols = set(alphabet.symbols)
    ways |= LexiconTree.from_pronunciations(given, alphabet).sequences_of(given)
    for word in words:
        if word in ways:
            continue
        if alphabet.separator and lexicon:
            raise ConfigError(
                f"the hot word {quoted(word)} is not in the lexicon, and its phones are not known; "
                "add it to the lexicon"
            )
        plain = word if alphabet.separator or set(word) <= symbols else without_accents(word)
        ways[word] = [tuple(alphabet.encode(plain, f"hot word {quoted(word)}"))]
    return [
        Phrase(phrase, labels, weight)
        for phrase, weight in weights.items()
        for labels in islice(product(*(ways[word] for word in phrase)), _MAX_WAYS)
    ]
