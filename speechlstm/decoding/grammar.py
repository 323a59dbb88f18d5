"""A closed grammar: one phrase after the other, out of a given list, and anything else as [unk].

It is a language model whose states are places within phrases. What is in no phrase is a sequence of
fillers, which are single sounds (Rose and Paul, "A hidden Markov model based keyword recognition
system", ICASSP 1990): they fit any speech, but each of them costs something, so that they win only
where no phrase fits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from math import log
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.errors import AlphabetError
from speechlstm.lm.model import SearchModel
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.phrases import UNKNOWN, Phrase, phrase_lengths
from speechlstm.transcript import Hypothesis, Word

_IMPOSSIBLE = -1e4  # log-probability of what the grammar does not allow
_SPECIAL = ("<unk>", "<s>", "</s>")
_ROOT = 0
# What a filler costs, a natural logarithm. At a lower cost, phrases that are said are lost; at a
# higher one, phrases are found that are not said: see scripts/README.md.
FILLER_COST = 1.5
_JOINED_SECONDS = 0.5  # fillers with a shorter pause between them are one [unk]


@dataclass
class _Node:
    """A place within phrases.

    Attributes:
        weight: Of all phrases through here.
        end_weight: Of the phrase that ends here.
        children: The next place for each word.
    """

    weight: float = 0.0
    end_weight: float = 0.0
    children: dict[int, int] = field(default_factory=dict)


_Places = tuple[tuple[int, float], ...]  # nodes with their probabilities, which sum to 1


class PhraseGrammar(SearchModel):
    """The language model of phrases in any number and order. Threads may share one.

    A state is a distribution over places: after "light", which may be a phrase and the beginning of
    another one, both are possible.

    >>> from math import exp
    >>> grammar = PhraseGrammar([Phrase("yes", 3), Phrase("yes please")], fillers=())
    >>> [round(exp(grammar.sentence_log_prob(text.split())[0]), 4) for text in ("yes", "please")]
    [0.75, 0.0]

    Args:
        fillers: The names of fillers; used only if UNKNOWN is one of the phrases.
    """

    def __init__(self, phrases: Sequence[Phrase], fillers: Iterable[str]) -> None:
        spoken = [phrase for phrase in phrases if phrase.text != UNKNOWN]
        self._phrases = {tuple(phrase.text.split()) for phrase in phrases}
        self.vocabulary = list(dict.fromkeys(w for phrase in spoken for w in phrase.text.split()))
        unknown = sum(phrase.weight for phrase in phrases if phrase.text == UNKNOWN)
        self.has_unknown = unknown > 0
        names = list(fillers) if self.has_unknown else []
        self._words = [*_SPECIAL, *self.vocabulary, *names]
        self.num_words, self.alphabet_sha256 = len(self._words), None
        self.start_state, self.sentence_end = 0, 2
        self._first_filler = len(_SPECIAL) + len(self.vocabulary)
        self._nodes = [_Node()]
        for phrase in spoken:
            self._add([self.word_id(word) for word in phrase.text.split()], phrase.weight)
        self._filler_node = len(self._nodes)
        self._nodes.append(_Node(unknown, unknown))
        self._nodes[_ROOT].weight += unknown
        self._places: list[_Places] = [((_ROOT, 1.0),)]
        self._states: dict[_Places, int] = {self._places[0]: 0}
        self._steps: dict[tuple[int, int], tuple[int, float]] = {}
        self._lock = Lock()

    def _add(self, words: Sequence[int], weight: float) -> None:
        node = self._nodes[_ROOT]
        node.weight += weight
        for word in words:
            if word not in node.children:
                node.children[word] = len(self._nodes)
                self._nodes.append(_Node())
            node = self._nodes[node.children[word]]
            node.weight += weight
        node.end_weight += weight

    @property
    def words(self) -> Sequence[str]:
        """See LanguageModel."""
        return self._words

    @property
    def unigram_log_probs(self) -> NDArray[np.float32]:
        """The largest log-probability of each word in any place, which bounds it from above."""
        log_probs = np.full(self.num_words, _IMPOSSIBLE, np.float32)
        for node in self._nodes:
            for word, child in node.children.items():
                log_probs[word] = max(log_probs[word], log(self._nodes[child].weight / node.weight))
        if self.has_unknown:
            log_probs[0] = 0.0
            log_probs[self._first_filler :] = -FILLER_COST
        return log_probs

    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See LanguageModel; what the grammar does not allow has a log-probability of -10,000."""
        steps = [self._step(*pair) for pair in zip(states.tolist(), words.tolist(), strict=True)]
        after = np.array([state for state, _ in steps], np.int64)
        return after, np.array([log_prob for _, log_prob in steps], np.float32)

    search = advance

    def _step(self, state: int, word: int) -> tuple[int, float]:
        step = self._steps.get((state, word))
        if step is None:
            with self._lock:
                step = self._steps[state, word] = self._new_step(self._places[state], word)
        return step

    def _new_step(self, places: _Places, word: int) -> tuple[int, float]:
        open_places = self._with_ends(places)
        if word == self.sentence_end:
            at_end = open_places.get(_ROOT, 0.0)
            return self._state(((_ROOT, 1.0),)), log(at_end) if at_end else _IMPOSSIBLE
        if self._filler_node in open_places and self._is_filler(word):
            open_places.pop(_ROOT, None)  # it continues, and does not begin anew
        reached: dict[int, float] = {}
        for number, probability in open_places.items():
            for child, share in self._following(number, word):
                reached[child] = reached.get(child, 0.0) + probability * share
        total = sum(reached.values())
        if not total:
            return self._state(((_ROOT, 1.0),)), _IMPOSSIBLE
        after = tuple(sorted((child, round(p / total, 9)) for child, p in reached.items()))
        cost = FILLER_COST if word >= self._first_filler else 0.0
        return self._state(after), log(total) - cost

    def _with_ends(self, places: _Places) -> dict[int, float]:
        """The places, and the root in addition if a phrase may end."""
        found = dict(places)
        for number, probability in places:
            node = self._nodes[number]
            if number != _ROOT and node.end_weight:
                share = probability * node.end_weight / node.weight
                found[_ROOT] = found.get(_ROOT, 0.0) + share
        return found

    def _following(self, number: int, word: int) -> Iterator[tuple[int, float]]:
        """The places that a word leads to, with its probability there."""
        node = self._nodes[number]
        if self._is_filler(word):
            if number == self._filler_node:
                yield number, 1.0
            elif number == _ROOT:
                yield self._filler_node, self._nodes[self._filler_node].weight / node.weight
        elif word in node.children:
            child = node.children[word]
            yield child, self._nodes[child].weight / node.weight

    def _is_filler(self, word: int) -> bool:
        return self.has_unknown and (word == 0 or word >= self._first_filler)

    def _state(self, places: _Places) -> int:
        if places not in self._states:
            self._states[places] = len(self._places)
            self._places.append(places)
        return self._states[places]

    def allowed(self, hypotheses: Iterable[Hypothesis]) -> Iterator[Hypothesis]:
        """Hypotheses of the search that the grammar allows, each text once, at least one.

        If the last phrase is incomplete in all of them, it is left out of the best one or, if that
        is one of the phrases, becomes [unk].
        """
        found: set[str] = set()
        best: Hypothesis | None = None
        for hypothesis in hypotheses:
            best = best or hypothesis
            if hypothesis.lm_log_prob > _IMPOSSIBLE / 2:
                written = self.with_unknown(hypothesis)
                if written.text not in found:
                    found.add(written.text)
                    yield written
        if best and not found:
            yield self.with_unknown(replace(best, words=self._complete(best.words)))

    def ends_within_phrase(self, words: Iterable[str]) -> bool:
        """Whether a text ends with the first words of a phrase, which are no phrase themselves."""
        state = self.start_state
        for word in words:
            state, _ = self._step(state, self.word_id(word))
        return self._step(state, self.sentence_end)[1] < _IMPOSSIBLE / 2

    def _complete(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """The words to the last end of a phrase; the others become [unk] or are left out."""
        state, num_complete = self.start_state, 0
        for index, word in enumerate(words):
            state, log_prob = self._step(state, self.word_id(word.text))
            if log_prob < _IMPOSSIBLE / 2:
                break
            if self._step(state, self.sentence_end)[1] > _IMPOSSIBLE / 2:
                num_complete = index + 1
        rest = words[num_complete:] if self.has_unknown else ()
        return (*words[:num_complete], *(replace(word, text=UNKNOWN) for word in rest))

    def units(self, words: Sequence[Word]) -> list[Sequence[Word]]:
        """The phrases in words of a hypothesis; what follows the last complete one is one more."""
        ends = accumulate(phrase_lengths([word.text for word in words], self._phrases), initial=0)
        return [words[start:end] for start, end in pairwise(ends)]

    def with_unknown(self, hypothesis: Hypothesis) -> Hypothesis:
        """A hypothesis with [unk] in place of fillers and of words that are in no phrase."""
        known, words = set(self.vocabulary), list[Word]()
        for word in hypothesis.words:
            if word.text in known:
                words.append(word)
                continue
            last = words[-1] if words else None
            if last and last.text == UNKNOWN and word.start - last.end < _JOINED_SECONDS:
                mean = (last.confidence + word.confidence) / 2
                words[-1] = replace(last, end=word.end, confidence=mean)
            else:
                words.append(replace(word, text=UNKNOWN))
        return replace(hypothesis, text=" ".join(w.text for w in words), words=tuple(words))


def grammar_config(config: DecodeConfig, grammar: PhraseGrammar) -> DecodeConfig:
    """The settings of a search for phrases.

    The lexicon is small, so that labels and hypotheses can be kept which other searches give up.
    """
    return replace(
        config,
        lm_weight=1.0,
        word_bonus=0.0,
        unknown_character_log_prob=-FILLER_COST,
        open_vocabulary=grammar.has_unknown,
        min_label_log_prob=-12.0,
        max_score_gap=max(25.0, config.max_score_gap),
        beam_width=max(200, config.beam_width),
    )


def filler_names(alphabet: Alphabet) -> list[str]:
    """The names of a filler for each phone; for characters there are none, see below."""
    return [f"[{phone}]" for phone in alphabet.symbols] if alphabet.separator else []


def grammar_lexicon(
    grammar: PhraseGrammar,
    alphabet: Alphabet,
    pronunciations: Mapping[str, Sequence[Sequence[str]]],
    phrases: Sequence[Phrase],
) -> LexiconTree:
    """The lexicon of a grammar: its words, and a filler for each phone.

    An alphabet of characters needs no fillers, because a search can spell unknown words.

    Args:
        alphabet: The symbols of the acoustic model's labels.
        pronunciations: The phones of each word, if the symbols are phones.

    Raises:
        AlphabetError: A word has characters that the alphabet lacks.
    """
    if alphabet.separator:
        entries = {word: list(pronunciations[word]) for word in grammar.vocabulary}
        if grammar.has_unknown:
            names = zip(filler_names(alphabet), alphabet.symbols, strict=True)
            entries |= {name: [[phone]] for name, phone in names}
        return LexiconTree.from_pronunciations(entries, alphabet)
    for phrase in phrases:
        missing = set(phrase.text) - set(alphabet.symbols) - {" "}
        if missing and phrase.text != UNKNOWN:
            raise AlphabetError(sorted(missing), f"{phrase.where}: {phrase.text}")
    return LexiconTree.from_words(grammar.vocabulary, alphabet)
