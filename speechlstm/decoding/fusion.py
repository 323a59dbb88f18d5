"""Scores the words of hypotheses: the lexicon's tree, the language model, hot words."""

from collections.abc import Callable, Sequence
from functools import cached_property
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.phrase_matcher import PhraseMatcher
from speechlstm.errors import ConfigError, ModelError
from speechlstm.lm.model import SearchModel
from speechlstm.text.alphabet import Alphabet

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

Advance = Callable[[Integers, NDArray[np.int32]], tuple[Integers, Floats]]  # SearchModel.search

ROOT = 0  # the node between words
NO_WORD = -1  # instead of a word of the lexicon


class EndedWords(NamedTuple):
    """Hypotheses after a word has ended, one entry for each.

    Attributes:
        source: The index of the hypothesis before; one hypothesis may end in several words.
        words: Indices of the words in the lexicon, or NO_WORD.
        lm_states: The states of the language model after the word.
        lm_log_probs: Log-probabilities of the words; outside the lexicon with their spelling.
        hot_states: The states of the hot words after the word.
    """

    source: Integers
    words: Integers
    lm_states: Integers
    lm_log_probs: Floats
    hot_states: Integers
    gains: Floats


class WordFusion:
    """Scores the words of hypotheses, given as flat arrays with one entry for each.

    Within a word, a hypothesis is at a node of the lexicon's tree. Its look-ahead is the unigram of
    the best word below that node; when the word ends, the language model scores it in its context.
    (Without the look-ahead, the WER of the validation speakers of LibriSpeech rose from .36 to .43
    with 50 hypotheses.) A hypothesis that leaves the tree is charged as an unknown word at once.
    (When it was charged at the end of the word, misspelled words crowded out all others, and the
    WER was .98.)

    Words of the lexicon that the language model lacks share the probability of unknown words
    equally. (When each had all of it, 1,700 such words raised the WER of read speech from .386 to
    .427.)

    Hot words with negative weights are charged here when they end. Those with positive weights are
    not part of the first search, whose result must not depend on them; they enter the second search
    as spotted phrases.

    Args:
        lm: The language model; None: there is none.
        lexicon: The words; None: those of the language model or, without one, any word.

    Attributes:
        boundary: The label that ends a word; 0 if the alphabet has none, and a word ends where the
            next one begins.
        is_open: Whether words outside the lexicon are possible.
        is_free: Whether only the labels' probabilities count.
        spelled_hot_words: Matches hot words by their labels; None if they are matched as words.
        lm_start_state: The state of the language model before the first word.
        hot_start_state: The state of the hot words before the first word.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        config: DecodeConfig,
        lm: SearchModel | None,
        lexicon: LexiconTree | None,
    ) -> None:
        _check_alphabets(alphabet, lm, lexicon)
        num_given = len(lexicon.words) if lexicon else 0
        self.lm, self._weight, self._bonus = lm, config.lm_weight, config.word_bonus if lm else 0.0
        self.boundary = alphabet.space
        if lexicon is None and lm:
            lexicon = LexiconTree.from_words(lm.words, alphabet, skip=True)
        self.is_open = not lexicon or (config.open_vocabulary and not alphabet.separator)
        self.lexicon = lexicon or LexiconTree.from_pronunciations({}, alphabet)
        self.lm_start_state = lm.start_state if lm else 0
        self._lm_ids = np.append(self.lexicon.lm_ids(lm), 0)  # the last entry is for NO_WORD
        if lm and num_given and not self._lm_ids[:num_given].any():
            raise _no_common_word(lm, self.lexicon)
        num_unknown = int(np.count_nonzero(self._lm_ids[:-1] == 0))
        self._unknown_share = -log(max(1, num_unknown)) if lm else 0.0
        self._shares = np.where(self._lm_ids == 0, self._unknown_share, 0.0)
        self._shares[NO_WORD] = 0.0  # its spelling is charged instead
        self._matcher = self._match(config, alphabet)
        self.spelled_hot_words = self._matcher if self.is_open else None
        self.hot_start_state = self._matcher.start_state if self._matcher else 0
        self._unknown_character = config.unknown_character_log_prob if lm else 0.0
        self.is_free = self.is_open and not (lm or self._matcher)
        unigrams = lm.unigram_log_probs if lm else np.zeros(1)
        self._unigrams = config.lm_weight * unigrams.astype(np.float64)
        self._ahead = self._look_ahead()

    def _match(self, config: DecodeConfig, alphabet: Alphabet) -> PhraseMatcher | None:
        """The matcher of hot words with negative weights; None: there are none."""
        weights = {
            tuple(hot_word.phrase.split()): hot_word.weight
            for hot_word in config.hot_words
            if hot_word.weight is not None and hot_word.weight < 0
        }
        if not weights:
            return None
        if self.is_open:  # by spelling, from boundary to boundary
            edge = [self.boundary] if self.boundary else []
            tokens = [edge + alphabet.encode(" ".join(phrase)) + edge for phrase in weights]
            gains = [
                weight * sum(t != self.boundary for t in labels)
                for labels, weight in zip(tokens, weights.values(), strict=True)
            ]
            return PhraseMatcher(tokens, gains, alphabet.num_labels, edge)
        ids = {word: i for i, word in enumerate(self.lexicon.words)}
        possible = {p: weight for p, weight in weights.items() if all(word in ids for word in p)}
        tokens = [[ids[word] for word in phrase] for phrase in possible]
        gains = [weight * len("".join(phrase)) for phrase, weight in possible.items()]
        return PhraseMatcher(tokens, gains, len(ids)) if possible else None

    def _look_ahead(self) -> Floats:
        """For each node, the most that a word below it adds to the score; -inf outside the tree."""
        tree = self.lexicon.tree
        gains = self._unigrams[self._lm_ids[tree.values]] + self._weight * self._shares[tree.values]
        if self._matcher and not self.is_open:
            starts = np.full(len(tree.values), self.hot_start_state)
            gains += self._matcher.advance(starts, tree.values.astype(np.int64))[1]
        ahead = tree.best_below(gains)
        ahead[ROOT] = 0
        return ahead

    def _advance(self, states: Integers, words: NDArray[np.int32]) -> tuple[Integers, Floats]:
        """As SearchModel.search; without a model, all words have probability 1."""
        if self.lm is None:
            return states, np.zeros(len(states))
        after, log_probs = self.lm.search(states, words)
        return after, log_probs.astype(np.float64)

    def _endings(self, nodes: Integers) -> tuple[Integers, Integers]:
        """The words that end at the nodes: the index of the node, and the word."""
        if self.is_open:
            source = (nodes != ROOT).nonzero()[0]
            return source, self._word_spelled[nodes[source]]
        tree = self.lexicon.tree
        counts = tree.first_values[nodes + 1] - tree.first_values[nodes]
        source = np.repeat(np.arange(len(nodes)), counts)
        within = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts)
        return source, tree.values[tree.first_values[nodes[source]] + within].astype(np.int64)

    @cached_property
    def _word_spelled(self) -> Integers:
        """The word of each node in an open vocabulary (the first, if several are spelled alike)."""
        tree = self.lexicon.tree
        words = np.full(tree.outside + 1, NO_WORD)
        ends = np.flatnonzero(tree.num_values)
        words[ends] = tree.values[tree.first_values[ends]]
        return words

    def spell(
        self, nodes: Integers, lengths: Integers, labels: Integers
    ) -> tuple[Integers, Floats]:
        """Extend hypotheses by one label within a word.

        Args:
            nodes: The nodes of the hypotheses.
            lengths: The number of labels of their words, with the new one.
            labels: The new labels, which are not boundaries.

        Returns:
            The new nodes, and the look-ahead of the words; -inf if there is no such word.
        """
        nodes = self.lexicon.tree.children(nodes, labels)
        look_ahead = self._ahead[nodes]
        if self.is_open:
            unknown = self._unigrams[0] + self._weight * self._unknown_character * lengths
            look_ahead = np.maximum(look_ahead, unknown)
        return nodes, look_ahead

    def end_words(
        self,
        nodes: Integers,
        lengths: Integers,
        lm_states: Integers,
        hot_states: Integers,
        advance: Advance,
    ) -> EndedWords:
        """End the words of hypotheses, in all possible ways.

        Args:
            nodes: The nodes of the hypotheses.
            lengths: The number of labels of their words.
            lm_states: The states of the language model before the words.
            hot_states: The states of the hot words before the words.
            advance: Queries the language model.
        """
        source, words = self._endings(nodes)
        lm_states, lm_log_probs = advance(lm_states[source], self._lm_ids[words])
        lm_log_probs += self._shares[words]
        lm_log_probs += self._unknown_character * lengths[source] * (words == NO_WORD)
        gains = self._weight * lm_log_probs + self._bonus
        hot_states = hot_states[source]
        if self._matcher and not self.is_open:
            hot_states, hot_gains = self._matcher.advance(hot_states, words)
            gains += hot_gains
        return EndedWords(source, words, lm_states, lm_log_probs, hot_states, gains)

    def add_words(
        self, lm_states: Integers, words: Sequence[str]
    ) -> tuple[Integers, Floats, Floats]:
        """Extend hypotheses by some words, which may be in the lexicon or not.

        Args:
            lm_states: The states of the language model before the words.
            words: The same words for all hypotheses.

        Returns:
            The states after the words, their log-probabilities, and what they add to the scores.
        """
        lm_log_probs = np.zeros(len(lm_states))
        for word in words:
            word_id = self.lm.word_id(word) if self.lm else 0
            ids = np.full(len(lm_states), word_id, np.int32)
            lm_states, word_log_probs = self._advance(lm_states, ids)
            lm_log_probs += word_log_probs
            if word_id == 0:
                lm_log_probs += self._unknown_share
        return lm_states, lm_log_probs, self._weight * lm_log_probs + self._bonus * len(words)

    def end_texts(self, lm_states: Integers) -> tuple[Floats, Floats]:
        """The log-probabilities of the end of the text, and what they add to the scores."""
        end = self.lm.sentence_end if self.lm else 0
        _, lm_log_probs = self._advance(lm_states, np.full(len(lm_states), end, np.int32))
        return lm_log_probs, self._weight * lm_log_probs


def _no_common_word(lm: SearchModel, lexicon: LexiconTree) -> ModelError:
    known = next((word for word in lm.words if not word.startswith("<")), "")
    return ModelError(
        f"the language model knows no word of the lexicon; it has {known!r}, the lexicon has "
        f"{lexicon.words[0]!r}: are both of the same language?"
    )


def _check_alphabets(
    alphabet: Alphabet, lm: SearchModel | None, lexicon: LexiconTree | None
) -> None:
    if lexicon and lexicon.alphabet_sha256 != alphabet.sha256:
        raise ModelError(
            f"the lexicon is for the alphabet {lexicon.alphabet_sha256:.12}, the acoustic model "
            f"has {alphabet.sha256:.12}"
        )
    if alphabet.separator:  # the language model's alphabet does not matter then
        if lm and not lexicon:
            raise ConfigError("a language model needs a lexicon with the phones of its words")
    elif lm and lm.alphabet_sha256 not in (None, alphabet.sha256):
        raise ModelError(
            f"the language model is for the alphabet {lm.alphabet_sha256:.12}, the acoustic model "
            f"has {alphabet.sha256:.12}"
        )
