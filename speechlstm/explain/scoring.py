"""What the acoustic model, the n-gram model and the LSTM say of any text for an utterance."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import chain, islice, pairwise
from math import log

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.alignment import align
from speechlstm.decoding.assemble import DecoderAssembly
from speechlstm.decoding.likelihood import text_log_prob
from speechlstm.decoding.nbest import NBestDecoder
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.lm.interpolation import InterpolatedModel
from speechlstm.lm.model import LanguageModel
from speechlstm.text.g2p import G2PModel
from speechlstm.text.targets import min_steps

_IMPOSSIBLE = -np.inf


Sentences = list[tuple[str, ...]]  # the words of each


@dataclass(frozen=True)
class Judgement:
    """What each model says of a text. Logarithms are natural.

    Attributes:
        labels: The labels that the acoustic model is asked for: of the most probable pronunciation
            of each word, or its characters; None: a word has no pronunciation.
        acoustic: Log-probability of the labels, by all paths, with the prior as in the search; -inf
            if they need more frames than there are.
        ngram: For each word and the end of each sentence, the log-probability in the n-gram model;
            (): there is none.
        lstm: The same in the LSTM.
        lm: The same in both together, with the search's weights and the spelling of unknown words.
            The search estimates the LSTM's probabilities; these are exact.
        score: acoustic + lm_weight * lm + word_bonus * num_words: see `DecodeConfig`.
    """

    words: tuple[str, ...]
    labels: tuple[int, ...] | None
    acoustic: float
    ngram: tuple[float, ...]
    lstm: tuple[float, ...]
    lm: tuple[float, ...]
    score: float


class TextScorer:
    """Judges texts for one utterance as the search does, but by all paths of each text.

    A word belongs to the sentence of the search in whose frames it begins on the text's best path.

    Args:
        log_probs: (num_frames, num_labels), of the labels that it reads.
        ends: The frame after each sentence of the search.
    """

    def __init__(
        self,
        spec: DecoderSpec,
        assembly: DecoderAssembly,
        decoder: NBestDecoder,
        log_probs: NDArray[np.float32],
        ends: Sequence[int],
    ) -> None:
        self._spec, self._assembly = spec, assembly
        self._alphabet, self._lexicon = decoder.beam.alphabet, assembly.lexicon
        self._boundary = decoder.beam.boundary
        self._log_probs = decoder.beam.prepared(log_probs)
        self._sentences = list(pairwise((0, *ends)))
        self._spelled: dict[str, list[tuple[int, ...]]] = {}
        self._findable: set[str] = set()
        self._both: LanguageModel | None = assembly.ngrams
        weight = spec.neural_lm_config.weight
        if assembly.ngrams and assembly.lstm and weight:
            self._both = InterpolatedModel(assembly.ngrams, assembly.lstm, weight)

    @property
    def config(self) -> DecodeConfig:
        """The weights of the models."""
        return self._spec.config

    def is_in_vocabulary(self, word: str) -> bool:
        """Whether the search can find a word, which has been judged."""
        return word in self._findable

    def judge(self, texts: Sequence[Sequence[str]]) -> list[Judgement]:
        """Judge several texts.

        Words that the first text has in the same place keep its pronunciation of them.
        """
        self._learn({word for text in texts for word in text})
        lstm = self._assembly.lstm if self._both is not self._assembly.ngrams else None
        spelled = self._spelled_as_the_first(texts)
        ngram, neural, both = (
            _word_log_probs(lm, [text.sentences for text in spelled])
            for lm in (self._assembly.ngrams, lstm, self._both)
        )
        return list(map(self._judgement, spelled, ngram, neural, both))

    def _judgement(
        self,
        spelled: "_Spelled",
        ngram: tuple[float, ...],
        lstm: tuple[float, ...],
        both: tuple[float, ...],
    ) -> Judgement:
        words = tuple(chain.from_iterable(spelled.sentences))
        ended = [word for sentence in spelled.sentences for word in (*sentence, "")]
        lm = tuple(
            log_prob + self._spelling(word) for log_prob, word in zip(both, ended, strict=False)
        )
        bonus = self.config.word_bonus if lm else 0.0
        score = spelled.acoustic + self.config.lm_weight * sum(lm) + bonus * len(words)
        return Judgement(words, spelled.labels, spelled.acoustic, ngram, lstm, lm, score)

    def _spelling(self, word: str) -> float:
        """What is added for a word that the language model does not know: see WordFusion."""
        if not word or self._both is None or self._both.word_id(word):
            return 0.0
        if self._alphabet.separator or not self.config.open_vocabulary:
            return self._unknown_share
        return self.config.unknown_character_log_prob * len(word)

    @cached_property
    def _unknown_share(self) -> float:
        if not self._lexicon:
            return 0.0
        num_unknown = int(np.count_nonzero(self._lexicon.lm_ids(self._both) == 0))
        return -log(max(1, num_unknown))

    def _learn(self, words: set[str]) -> None:
        """Find the label sequences of words that are not known yet."""
        new = sorted(words - self._spelled.keys())
        if not self._alphabet.separator:
            known = set(self._alphabet.symbols)
            spellable = (word for word in new if known.issuperset(word))
            self._spelled |= {word: [tuple(self._alphabet.encode(word))] for word in spellable}
            self._findable |= self._spelled.keys()
            return
        found = self._lexicon.sequences_of(new) if self._lexicon else {}
        self._findable |= found.keys()
        if (missing := [word for word in new if word not in found]) and self._spec.g2p:
            g2p = G2PModel(self._spec.g2p)
            letters = {*"abcdefghijklmnopqrstuvwxyz'"}
            for word in missing:
                if letters.issuperset(word):
                    phones = " ".join(g2p.pronounce(word))
                    found[word] = [tuple(self._alphabet.encode(phones))]
        self._spelled |= found

    def _spelled_as_the_first(self, texts: Sequence[Sequence[str]]) -> "list[_Spelled]":
        """The labels of each text, their log-probability, and its sentences."""
        if not texts:
            return []
        first, numbers = texts[0], [0] * len(texts[0])
        results = [self._best_labels(first, numbers, range(len(first)))]
        for text in texts[1:]:
            matcher = SequenceMatcher(None, first, text, autojunk=False)
            taken = [0] * len(text)
            fixed = set()
            for block in matcher.get_matching_blocks():
                here = range(block.b, block.b + block.size)
                taken[block.b : here.stop] = numbers[block.a : block.a + block.size]
                fixed |= set(here)
            results.append(
                self._best_labels(text, taken, [i for i in range(len(text)) if i not in fixed])
            )
        return results

    def _best_labels(
        self, words: Sequence[str], numbers: list[int], free: Iterable[int]
    ) -> "_Spelled":
        """The labels of the words' most probable pronunciations, and their log-probability.

        Args:
            numbers: The pronunciation of each to start with; changed in place.
            free: The words whose pronunciation may change.
        """
        divided = self._divided(words, numbers)
        sentences = [tuple(words[own.start : own.stop]) for own in divided]
        if any(word not in self._spelled for word in words):
            return _Spelled(None, _IMPOSSIBLE, sentences)
        best = self._acoustic(words, numbers, divided)
        for place in free:
            for number in range(1, len(self._spelled[words[place]])):
                before, numbers[place] = numbers[place], number
                log_prob = self._acoustic(words, numbers, divided)
                if log_prob > best:
                    best = log_prob
                else:
                    numbers[place] = before
        return _Spelled(self._joined(words, numbers), best, sentences)

    def _divided(self, words: Sequence[str], numbers: Sequence[int]) -> list[range]:
        """The words of each sentence; those whose pronunciation is not known follow others."""
        labels: list[int] = []
        firsts = []  # of the labels of each word
        for word, number in zip(words, numbers, strict=True):
            if word not in self._spelled:
                firsts.append(max(0, len(labels) - 1))
                continue
            labels += [self._boundary] if labels and self._boundary else []
            firsts.append(len(labels))
            labels += self._spelled[word][number]
        if not labels or min_steps(labels) > len(self._log_probs):
            frames = np.zeros(len(words), np.intp)
        else:
            spans = align(self._log_probs, labels)
            frames = np.array([spans[first][0] for first in firsts])
        ends = [stop for _, stop in self._sentences[:-1]]
        return [
            range(start, stop)
            for start, stop in pairwise((0, *np.searchsorted(frames, ends).tolist(), len(words)))
        ]

    def _acoustic(
        self, words: Sequence[str], numbers: Sequence[int], divided: Sequence[range]
    ) -> float:
        """The log-probability of the words of each sentence in its frames."""
        return sum(
            text_log_prob(
                self._log_probs[start:stop],
                self._joined(words[own.start : own.stop], numbers[own.start : own.stop]),
            )
            for (start, stop), own in zip(self._sentences, divided, strict=True)
        )

    def _joined(self, words: Sequence[str], numbers: Sequence[int]) -> tuple[int, ...]:
        """The labels of words in certain pronunciations, with the spaces between them."""
        labels: list[int] = []
        for word, number in zip(words, numbers, strict=True):
            labels += [self._boundary] if labels and self._boundary else []
            labels += self._spelled[word][number]
        return tuple(labels)


@dataclass(frozen=True)
class _Spelled:
    """The labels of a text, their log-probability (see Judgement), and its sentences."""

    labels: tuple[int, ...] | None
    acoustic: float
    sentences: Sentences


def _word_log_probs(
    lm: LanguageModel | None, texts: Sequence[Sentences]
) -> list[tuple[float, ...]]:
    """For each text, the log-probabilities of the words and the end of each of its sentences."""
    if not lm:
        return [()] * len(texts)
    values = iter(lm.word_log_probs([sentence for text in texts for sentence in text]))
    return [tuple(chain.from_iterable(islice(values, len(text)))) for text in texts]
